"""Turns files into pages of text, in a sandboxed child process per document."""
