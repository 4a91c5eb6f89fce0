"""One question to several variants of a recipe at once."""
