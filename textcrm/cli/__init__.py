"""The command line: the same operations as the API, one short module a command group."""
