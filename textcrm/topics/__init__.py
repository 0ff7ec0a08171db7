"""Topics: groups of messages about the same thing, found without labels, named by their own words."""
