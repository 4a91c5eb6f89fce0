"""Contexts of passages, written by a model."""
