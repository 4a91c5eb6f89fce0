"""The room on the disk: how much is left, and what is refused or waits while it is short."""
