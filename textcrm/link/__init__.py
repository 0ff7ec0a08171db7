"""The link: which customer a message belongs to, and which records are the same person."""
