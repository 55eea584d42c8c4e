"""`python -m manet`."""

from manet.cli import main

main()
