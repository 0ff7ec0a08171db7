"""What runs all the time: the worker, and the way out."""
