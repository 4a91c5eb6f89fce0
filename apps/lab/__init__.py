"""The retrieval lab: look into a search, mark what is right, measure over labelled cases."""
