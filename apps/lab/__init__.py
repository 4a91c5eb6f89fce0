"""The retrieval lab: inspect a search, mark what is relevant, measure on labelled cases."""
