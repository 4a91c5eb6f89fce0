"""Words of passages as rows and as packed lists, and BM25 over them."""
