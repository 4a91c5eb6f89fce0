"""What stands in the text of an answer besides words."""
