"""The use cases, once: the command line, the API, the worker and the pages call these and nothing below them."""
