"""Searches of Chroma, LanceDB, LlamaIndex with PGVector, and faiss, as their manuals show them.

Runs in an environment of its own (requirements-bench.txt):
    python search_peers.py NAME FOLDER SIZE DATABASE_URL
FOLDER holds vectors.npy (passages, 384), texts.json, questions.json and question_vectors.npy.
Document n // 10 of passage n carries a tag like the product's, so filters leave the same passages.
Prints one line of JSON: seconds to build, bytes on disk, and for each mode and selectivity the
milliseconds of each question and the recall@10 against an exact comparison of all vectors.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

warnings.filterwarnings("ignore")
TAGS = {"": 1, "tenth": 10, "hundredth": 100, "thousandth": 1_000}
DOCUMENT_CHUNKS = 10
TOP = 10
BATCH = 5_000


def has_tag(numbers: Any, tag: str) -> Any:
    """Which passages belong to a document with the tag."""
    every = TAGS[tag]
    return (numbers // DOCUMENT_CHUNKS) % every == every // 2


class Corpus:
    def __init__(self, folder: Path, size: int) -> None:
        self.size = size
        self.vectors = np.load(folder / "vectors.npy", mmap_mode="r")[:size]
        self.texts: list[str] = json.loads((folder / "texts.json").read_text())[:size]
        self.questions: list[str] = json.loads((folder / "questions.json").read_text())
        self.asked = np.load(folder / "question_vectors.npy").astype(np.float32)
        self.numbers = np.arange(size)

    def batches(self) -> Iterator[tuple[int, Any]]:
        for first in range(0, self.size, BATCH):
            yield first, np.asarray(self.vectors[first : first + BATCH], np.float32)

    def exact(self, tag: str) -> Any:
        """The TOP nearest passages of each question among those with the tag."""
        best = np.full((len(self.asked), TOP), -2.0, np.float32)
        ids = np.full((len(self.asked), TOP), -1)
        for first, block in self.batches():
            scores = self.asked @ block.T
            scores[:, ~has_tag(self.numbers[first : first + len(block)], tag)] = -2
            all_scores = np.concatenate([best, scores], axis=1)
            all_ids = np.concatenate(
                [ids, np.tile(self.numbers[first : first + len(block)], (len(ids), 1))], axis=1
            )
            order = np.argsort(-all_scores, axis=1)[:, :TOP]
            best = np.take_along_axis(all_scores, order, 1)
            ids = np.take_along_axis(all_ids, order, 1)
        return ids


Search = Callable[[int, str], list[int]]
"""From the number of a question and a tag to the ids of the passages found."""


def build_faiss(corpus: Corpus, folder: Path, url: str) -> dict[str, Search]:
    import faiss

    faiss.omp_set_num_threads(2)
    index = faiss.IndexHNSWFlat(384, 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 80
    for _, block in corpus.batches():
        index.add(block)
    faiss.omp_set_num_threads(1)
    faiss.write_index(index, str(folder / "data" / "index.faiss"))
    chosen = {
        tag: faiss.IDSelectorBatch(np.flatnonzero(has_tag(corpus.numbers, tag)))
        for tag in TAGS
        if tag
    }

    def search(number: int, tag: str) -> list[int]:
        parameters = faiss.SearchParametersHNSW(efSearch=200)
        if tag:
            parameters.sel = chosen[tag]
        return index.search(corpus.asked[number : number + 1], TOP, params=parameters)[1][
            0
        ].tolist()

    return {"vector": search}


def build_chroma(corpus: Corpus, folder: Path, url: str) -> dict[str, Search]:
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(
        str(folder / "data"), settings=Settings(anonymized_telemetry=False)
    )
    store = client.create_collection(
        "bench", configuration={"hnsw": {"space": "cosine", "ef_search": 200}}
    )
    for first, block in corpus.batches():
        part = range(first, first + len(block))
        store.add(
            ids=[str(n) for n in part],
            embeddings=block,
            documents=corpus.texts[first : first + len(block)],
            metadatas=[{tag: bool(has_tag(n, tag)) for tag in TAGS if tag} for n in part],
        )

    def search(number: int, tag: str) -> list[int]:
        found = store.query(
            query_embeddings=corpus.asked[number : number + 1],
            n_results=TOP,
            where={tag: True} if tag else None,
            include=["documents", "distances"],
        )
        return [int(pk) for pk in found["ids"][0]]

    return {"vector": search}


def build_lancedb(corpus: Corpus, folder: Path, url: str) -> dict[str, Search]:
    import lancedb
    import pyarrow as pa
    from lancedb.rerankers import RRFReranker

    database = lancedb.connect(str(folder / "data"))

    def rows() -> Iterator[Any]:
        for first, block in corpus.batches():
            part = corpus.numbers[first : first + len(block)]
            columns = {
                "id": pa.array(part),
                "vector": pa.FixedSizeListArray.from_arrays(pa.array(block.ravel()), 384),
                "text": pa.array(corpus.texts[first : first + len(block)]),
            }
            columns |= {tag: pa.array(has_tag(part, tag)) for tag in TAGS if tag}
            yield pa.RecordBatch.from_pydict(columns)

    schema = pa.schema(
        [("id", pa.int64()), ("vector", pa.list_(pa.float32(), 384)), ("text", pa.string())]
        + [(tag, pa.bool_()) for tag in TAGS if tag]
    )
    table = database.create_table("bench", data=rows(), schema=schema)
    table.create_index(metric="cosine", index_type="IVF_HNSW_SQ", m=16, ef_construction=80)
    table.create_fts_index("text", use_tantivy=False)
    reranker = RRFReranker()

    def narrow(query: Any, tag: str) -> list[int]:
        if tag:
            query = query.where(f"{tag} = true", prefilter=True)
        return [row["id"] for row in query.limit(TOP).to_list()]

    def vector(number: int, tag: str) -> list[int]:
        query = table.search(corpus.asked[number]).distance_type("cosine").nprobes(20)
        return narrow(query.ef(200).refine_factor(4), tag)

    def lexical(number: int, tag: str) -> list[int]:
        return narrow(table.search(corpus.questions[number], query_type="fts"), tag)

    def hybrid(number: int, tag: str) -> list[int]:
        query = table.search(query_type="hybrid").vector(corpus.asked[number])
        return narrow(query.text(corpus.questions[number]).rerank(reranker), tag)

    return {"vector": vector, "lexical": lexical, "hybrid": hybrid}


def build_llamaindex(corpus: Corpus, folder: Path, url: str) -> dict[str, Search]:
    from llama_index.core.schema import TextNode
    from llama_index.core.vector_stores import (
        MetadataFilter,
        MetadataFilters,
        VectorStoreQuery,
    )
    from llama_index.core.vector_stores.types import VectorStoreQueryMode
    from llama_index.vector_stores.postgres import PGVectorStore
    from sqlalchemy import create_engine, text

    plain = url.replace("postgresql://", "postgresql+psycopg2://", 1)
    engine = create_engine(plain)
    name = f"llama_{corpus.size}"
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE IF EXISTS data_{name}"))
    store = PGVectorStore(
        connection_string=plain,
        async_connection_string=url.replace("postgresql://", "postgresql+asyncpg://", 1),
        table_name=name,
        embed_dim=384,
        hybrid_search=True,
        text_search_config="english",
        use_jsonb=True,
        hnsw_kwargs={
            "hnsw_m": 16,
            "hnsw_ef_construction": 80,
            "hnsw_ef_search": 200,
            "hnsw_dist_method": "vector_cosine_ops",
        },
    )
    for first, block in corpus.batches():
        part = range(first, first + len(block))
        store.add(
            [
                TextNode(
                    id_=str(n),
                    text=corpus.texts[n],
                    embedding=block[n - first].tolist(),
                    metadata={tag: str(bool(has_tag(n, tag))).lower() for tag in TAGS if tag},
                )
                for n in part
            ]
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"VACUUM ANALYZE data_{name}"))

    def make(mode: Any) -> Search:
        def search(number: int, tag: str) -> list[int]:
            chosen = MetadataFilters(filters=[MetadataFilter(key=tag, value="true")])
            query = VectorStoreQuery(
                query_embedding=corpus.asked[number].tolist(),
                query_str=corpus.questions[number],
                similarity_top_k=TOP,
                sparse_top_k=TOP,
                mode=mode,
                filters=chosen if tag else None,
            )
            return [int(pk) for pk in store.query(query).ids or []]

        return search

    return {
        "vector": make(VectorStoreQueryMode.DEFAULT),
        "lexical": make(VectorStoreQueryMode.SPARSE),
        "hybrid": make(VectorStoreQueryMode.HYBRID),
    }


BUILDERS = {
    "faiss": build_faiss,
    "chroma": build_chroma,
    "lancedb": build_lancedb,
    "llamaindex": build_llamaindex,
}


def main() -> None:
    name, folder, size, url = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    corpus = Corpus(folder, size)
    (folder / "data").mkdir(exist_ok=True)
    started = time.perf_counter()
    searches = BUILDERS[name](corpus, folder, url)
    report: dict[str, Any] = {"seconds": time.perf_counter() - started, "cells": []}
    report["bytes"] = sum(
        path.stat().st_size for path in (folder / "data").rglob("*") if path.is_file()
    )
    for tag in TAGS:
        exact = corpus.exact(tag)
        for mode, search in searches.items():
            for number in range(min(5, len(corpus.asked))):
                search(number, tag)
            times, shares = [], []
            for number in range(len(corpus.asked)):
                began = time.perf_counter()
                found = search(number, tag)
                times.append((time.perf_counter() - began) * 1000)
                truth = {pk for pk in exact[number].tolist() if pk >= 0}
                shares.append(len(truth & set(found)) / len(truth) if truth else 1.0)
            recall = float(np.mean(shares)) if mode == "vector" else None
            cell = {"mode": mode, "tag": tag, "times": times, "recall": recall}
            report["cells"].append(cell)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
