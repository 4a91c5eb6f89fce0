"""Questions that the documents answer, found in the documents themselves."""
