"""Experiments: planned, answered, scored, read and compared."""
