"""Sentence embeddings, served without torch."""
