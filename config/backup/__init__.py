"""One archive with all that an installation must not lose, and its way back."""
