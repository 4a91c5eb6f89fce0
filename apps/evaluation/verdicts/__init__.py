"""What an experiment says in the end: each candidate against the promoted release, in words."""
