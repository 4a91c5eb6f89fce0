"""Vectors and vector indexes in PostgreSQL."""
