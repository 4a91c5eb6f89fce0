"""What a release must show before it answers."""
