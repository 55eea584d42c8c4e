"""`python -m manet`."""

from manet.commands import main

main()
