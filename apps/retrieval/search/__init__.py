"""From a question to the passages to read."""
