"""`python -m manet`."""

from manet.cli import run

run()
