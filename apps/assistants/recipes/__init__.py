"""What a recipe's settings are: their names, what they may be, how pages and REST read them."""
