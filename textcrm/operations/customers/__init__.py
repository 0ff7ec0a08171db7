"""Customer records: taken in from tables and databases, surveyed, given back with what their messages say."""
