"""Who may do what: users, keys, secrets, and the record of what they did."""
