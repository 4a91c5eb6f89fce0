"""Telling the charset of a text from its bytes."""
