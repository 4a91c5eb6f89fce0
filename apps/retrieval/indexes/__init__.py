"""A collection's indexes: built, compared, swapped, published to."""
