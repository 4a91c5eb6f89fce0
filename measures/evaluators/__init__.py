"""Evaluators: pure functions from what an assistant did to a score. No Django, no HTTP, no ORM."""
