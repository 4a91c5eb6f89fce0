"""Code that nobody has read, run in a process of its own."""
