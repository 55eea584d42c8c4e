"""What modules and networks cost: parameters and multiply-accumulates counted, time and memory measured."""
