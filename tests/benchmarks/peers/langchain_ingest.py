"""LangChain with PGVector and sentence-transformers, as their manuals show it.

Runs in an environment of its own (requirements-bench.txt):
    python langchain_ingest.py TEXTS.json DATABASE_URL MODEL_FOLDER [--split]
Prints JSON: seconds to split, embed and store the texts with the model loaded before, and how
many passages that were. `--split` cuts the texts with the splitter and sizes of the manual.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main() -> None:
    texts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    from langchain_huggingface import HuggingFaceEmbeddings
    from langchain_postgres import PGVector
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    embeddings = HuggingFaceEmbeddings(model_name=sys.argv[3])
    embeddings.embed_query("warm up")
    url = sys.argv[2].replace("postgresql://", "postgresql+psycopg://", 1)
    store = PGVector(embeddings=embeddings, collection_name="bench", connection=url, use_jsonb=True)
    started = time.perf_counter()
    if "--split" in sys.argv:
        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
        texts = [part for text in texts for part in splitter.split_text(text)]
    store.add_texts(texts)
    ended = time.perf_counter()
    print(json.dumps({"seconds": ended - started, "passages": len(texts)}))


if __name__ == "__main__":
    main()
