"""Model servers that speak the OpenAI protocol: chat, embeddings, reranking, log-probabilities."""
