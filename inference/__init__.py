"""Model access: embeddings, chat models and the built-in reader.

Nothing in this package knows about the web framework, the database or the applications above it.
"""
