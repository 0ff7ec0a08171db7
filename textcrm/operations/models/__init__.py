"""Models and what they learn from: corpora, training, corrections, versions."""
