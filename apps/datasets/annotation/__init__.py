"""Annotation: people label examples by guidelines, and see how well they agree."""
