"""all-MiniLM-L6-v2 on the CPU through onnxruntime, without torch."""
