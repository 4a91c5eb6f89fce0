"""Examples from files and to files."""
