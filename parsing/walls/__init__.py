"""The walls around the readers of files: what the kernel keeps from them, and what it cannot."""
