"""What the engine says of texts and messages, and their entities masked."""
