"""Releases as people see, compare and promote them."""
