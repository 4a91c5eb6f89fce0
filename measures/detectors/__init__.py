"""What is in a text: support for a statement, personal data, attacks, its language."""
