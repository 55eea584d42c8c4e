"""What modules and networks cost: parameters and multiply-accumulates are counted, time and memory measured."""
