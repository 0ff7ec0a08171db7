"""The work behind: how far it is, jobs, and results sent out."""
