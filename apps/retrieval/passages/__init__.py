"""Passages as people see and change them."""
