"""What comes in: files, mailboxes, topics, webhooks, and what could not be read."""
