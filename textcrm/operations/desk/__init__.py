"""The queue of the support team, and messages like another."""
