"""LangChain with PGVector and sentence-transformers on given texts, as their manuals show it.

Runs in an environment of its own (requirements-bench.txt):
    python langchain_ingest.py TEXTS.json DATABASE_URL MODEL_FOLDER
Prints JSON: seconds to load the model and seconds to embed and store the texts.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main() -> None:
    texts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    started = time.perf_counter()
    from langchain_huggingface import HuggingFaceEmbeddings
    from langchain_postgres import PGVector

    embeddings = HuggingFaceEmbeddings(model_name=sys.argv[3])
    embeddings.embed_query("warm up")
    loaded = time.perf_counter()
    url = sys.argv[2].replace("postgresql://", "postgresql+psycopg://", 1)
    store = PGVector(embeddings=embeddings, collection_name="bench", connection=url, use_jsonb=True)
    store.add_texts(texts)
    ended = time.perf_counter()
    print(json.dumps({"load_s": loaded - started, "ingest_s": ended - loaded}))


if __name__ == "__main__":
    main()
