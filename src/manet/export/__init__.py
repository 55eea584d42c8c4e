"""Networks as graphs that other runtimes run: written, checked against the network, and loaded again."""
