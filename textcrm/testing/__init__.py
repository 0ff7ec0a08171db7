"""The test kit that ships: checks, factories, made-up data."""
