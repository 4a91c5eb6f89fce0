"""Text recognition: what is drawn on a page rather than written in it."""
