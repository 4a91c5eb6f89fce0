"""Searches of Chroma, LanceDB, LlamaIndex with PGVector, and faiss.

Runs in an environment of its own (requirements-bench.txt):
    python search_peers.py NAME FOLDER SIZE DATABASE_URL [build]
FOLDER holds vectors.npy (passages, 384), texts.json, questions.json and question_vectors.npy; what
is built stays in FOLDER/NAME (of LlamaIndex in the database) and is used again.
Document n // 10 of passage n carries a tag like the product's, so filters leave the same passages.

Each is asked in two ways. As the product is asked: bound to a workspace and a collection, which
all passages belong to here, and with lists of CANDIDATES in hybrid search; settings are such that
the recall@10 of vectors is near .97. And as its manual shows it: no condition, no settings, lists
of ten (`manual`). faiss knows no conditions but sets of numbers, and holds no texts.

Prints a line of JSON: the seconds that building took, and the modes of each way. Then it answers
each line of its input, {"way", "mode", "tag", "numbers", "seconds"}, with a line: for each of these
questions the milliseconds and the ids found, until the seconds are over.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tags import TAGS, TOP, has_tag

warnings.filterwarnings("ignore")
WORKSPACE, COLLECTION = "acme", "handbook"
CANDIDATES = 50
BATCH = 5_000


class Corpus:
    def __init__(self, folder: Path, size: int) -> None:
        self.size = size
        self.folder = folder
        self.vectors = np.load(folder / "vectors.npy", mmap_mode="r")[:size]
        self.questions: list[str] = json.loads((folder / "questions.json").read_text())
        self.asked = np.load(folder / "question_vectors.npy").astype(np.float32)
        self.numbers = np.arange(size)

    def texts(self) -> list[str]:
        texts: list[str] = json.loads((self.folder / "texts.json").read_text())
        return texts[: self.size]

    def batches(self) -> Iterator[tuple[int, Any]]:
        for first in range(0, self.size, BATCH):
            yield first, np.asarray(self.vectors[first : first + BATCH], np.float32)


Search = Callable[[int, str], list[int]]
"""From the number of a question and a tag to the ids of the passages found."""


@dataclass(frozen=True, slots=True)
class Ways:
    """Searches by mode: as the product is asked, and as the manual shows it."""

    same: dict[str, Search]
    manual: dict[str, Search] = field(default_factory=dict)


class Faiss:
    def __init__(self, corpus: Corpus, place: Path, url: str) -> None:
        self.corpus, self.path = corpus, place / "index.faiss"

    def build(self) -> None:
        import faiss

        faiss.omp_set_num_threads(2)
        index = faiss.IndexHNSWFlat(384, 16, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 80
        for _, block in self.corpus.batches():
            index.add(block)
        faiss.write_index(index, str(self.path))

    def open(self) -> Ways:
        import faiss

        faiss.omp_set_num_threads(1)
        index = faiss.read_index(str(self.path))
        corpus = self.corpus
        chosen = {
            tag: faiss.IDSelectorBatch(np.flatnonzero(has_tag(corpus.numbers, tag)))
            for tag in TAGS
            if tag
        }

        def search(number: int, tag: str) -> list[int]:
            parameters = faiss.SearchParametersHNSW(efSearch=200)
            if tag:
                parameters.sel = chosen[tag]
            asked = corpus.asked[number : number + 1]
            return index.search(asked, TOP, params=parameters)[1][0].tolist()  # type: ignore[no-any-return]

        return Ways({}, {"vector": search})


class Chroma:
    def __init__(self, corpus: Corpus, place: Path, url: str) -> None:
        import chromadb
        from chromadb.config import Settings

        self.corpus = corpus
        self.client = chromadb.PersistentClient(
            str(place), settings=Settings(anonymized_telemetry=False)
        )

    def build(self) -> None:
        store = self.client.create_collection(
            "bench", configuration={"hnsw": {"space": "cosine", "ef_search": 200}}
        )
        texts = self.corpus.texts()
        for first, block in self.corpus.batches():
            part = range(first, first + len(block))
            store.add(
                ids=[str(n) for n in part],
                embeddings=block,
                documents=texts[first : first + len(block)],
                metadatas=[
                    {"workspace": WORKSPACE, "collection": COLLECTION}
                    | {tag: bool(has_tag(n, tag)) for tag in TAGS if tag}
                    for n in part
                ],
            )

    def open(self) -> Ways:
        store = self.client.get_collection("bench")
        corpus = self.corpus

        def ask(number: int, where: dict[str, Any] | None) -> list[int]:
            found = store.query(
                query_embeddings=corpus.asked[number : number + 1], n_results=TOP, where=where,
                include=["documents", "distances"],
            )  # fmt: skip
            return [int(pk) for pk in found["ids"][0]]

        def same(number: int, tag: str) -> list[int]:
            conditions: list[dict[str, Any]] = [
                {"workspace": WORKSPACE}, {"collection": COLLECTION},
            ]  # fmt: skip
            return ask(number, {"$and": conditions + [{tag: True}] * bool(tag)})

        def manual(number: int, tag: str) -> list[int]:
            return ask(number, {tag: True} if tag else None)

        return Ways({"vector": same}, {"vector": manual})


class LanceDB:
    def __init__(self, corpus: Corpus, place: Path, url: str) -> None:
        import lancedb

        self.corpus, self.database = corpus, lancedb.connect(str(place))

    def build(self) -> None:
        import pyarrow as pa

        corpus = self.corpus
        texts = corpus.texts()

        def rows() -> Iterator[Any]:
            for first, block in corpus.batches():
                part = corpus.numbers[first : first + len(block)]
                columns = {
                    "id": pa.array(part),
                    "vector": pa.FixedSizeListArray.from_arrays(pa.array(block.ravel()), 384),
                    "text": pa.array(texts[first : first + len(block)]),
                    "workspace": pa.array([WORKSPACE] * len(block)),
                    "collection": pa.array([COLLECTION] * len(block)),
                }
                columns |= {tag: pa.array(has_tag(part, tag)) for tag in TAGS if tag}
                yield pa.RecordBatch.from_pydict(columns)

        schema = pa.schema(
            [("id", pa.int64()), ("vector", pa.list_(pa.float32(), 384)), ("text", pa.string())]
            + [("workspace", pa.string()), ("collection", pa.string())]
            + [(tag, pa.bool_()) for tag in TAGS if tag]
        )
        table = self.database.create_table("bench", data=rows(), schema=schema)
        table.create_index(metric="cosine", index_type="IVF_HNSW_SQ", m=16, ef_construction=80)
        table.create_fts_index("text", use_tantivy=False)
        for column in ("workspace", "collection", *(tag for tag in TAGS if tag)):
            table.create_scalar_index(column, index_type="BITMAP")

    def open(self) -> Ways:
        from lancedb.rerankers import RRFReranker

        table, corpus, reranker = self.database.open_table("bench"), self.corpus, RRFReranker()
        bound = f"workspace = '{WORKSPACE}' AND collection = '{COLLECTION}'"

        def narrow(query: Any, condition: str, limit: int) -> list[int]:
            if condition:
                query = query.where(condition, prefilter=True)
            return [row["id"] for row in query.limit(limit).to_list()][:TOP]

        def inside(tag: str) -> str:
            return f"{bound} AND {tag} = true" if tag else bound

        def only(tag: str) -> str:
            return f"{tag} = true" if tag else ""

        def by_vector(number: int) -> Any:
            return table.search(corpus.asked[number]).distance_type("cosine")

        def by_words(number: int) -> Any:
            return table.search(corpus.questions[number], query_type="fts")

        def by_both(number: int) -> Any:
            query = table.search(query_type="hybrid").vector(corpus.asked[number])
            return query.text(corpus.questions[number]).rerank(reranker)

        def careful(query: Any, tag: str) -> Any:
            # With 200, more passages are found behind a filter than by 800 without one.
            is_hard = not tag or corpus.size > 100_000
            return query.nprobes(20).ef(800 if is_hard else 200).refine_factor(4)

        return Ways(
            {
                "vector": lambda n, tag: narrow(careful(by_vector(n), tag), inside(tag), TOP),
                "lexical": lambda n, tag: narrow(by_words(n), inside(tag), TOP),
                "hybrid": lambda n, tag: narrow(careful(by_both(n), tag), inside(tag), CANDIDATES),
            },
            {
                "vector": lambda n, tag: narrow(by_vector(n), only(tag), TOP),
                "lexical": lambda n, tag: narrow(by_words(n), only(tag), TOP),
                "hybrid": lambda n, tag: narrow(by_both(n), only(tag), TOP),
            },
        )


class LlamaIndex:
    def __init__(self, corpus: Corpus, place: Path, url: str) -> None:
        self.corpus, self.url = corpus, url.replace("postgresql://", "postgresql+psycopg2://", 1)

    def _store(self) -> Any:
        from llama_index.vector_stores.postgres import PGVectorStore

        return PGVectorStore(
            connection_string=self.url,
            async_connection_string=self.url.replace("+psycopg2", "+asyncpg", 1),
            table_name=f"llama_{self.corpus.size}",
            embed_dim=384,
            hybrid_search=True,
            text_search_config="english",
            use_jsonb=True,
            hnsw_kwargs={
                "hnsw_m": 16, "hnsw_ef_construction": 80, "hnsw_ef_search": 200,
                "hnsw_dist_method": "vector_cosine_ops",
            },
        )  # fmt: skip

    def build(self) -> None:
        """Its own rows and indexes; copied in at once, and indexed afterwards, to be done today."""
        import psycopg
        from pgvector.psycopg import register_vector
        from psycopg.types.json import Jsonb

        table = f"data_llama_{self.corpus.size}"
        with psycopg.connect(self.url.replace("+psycopg2", "", 1), autocommit=True) as database:
            database.execute(f"DROP TABLE IF EXISTS {table}")
            store = self._store()
            store._initialize()
            register_vector(database)
            indexes = database.execute(
                "SELECT indexname, indexdef FROM pg_indexes "
                "WHERE tablename = %s AND indexname NOT LIKE '%%_pkey'",
                [table],
            ).fetchall()
            for name, _ in indexes:
                database.execute(f"DROP INDEX {name}")
            copy = f"COPY {table} (node_id, text, metadata_, embedding) FROM STDIN (FORMAT BINARY)"
            with database.cursor() as cursor, cursor.copy(copy) as writer:
                writer.set_types(["varchar", "varchar", "jsonb", "vector"])
                for number, node in enumerate(self._nodes()):
                    row = store._node_to_table_row(node)
                    vector = np.asarray(self.corpus.vectors[number], np.float32)
                    writer.write_row([row.node_id, row.text, Jsonb(row.metadata_), vector])
            database.execute("SET maintenance_work_mem = '4GB'")
            for _, definition in indexes:
                database.execute(definition)
            database.execute(f"VACUUM ANALYZE {table}")

    def _nodes(self) -> Iterator[Any]:
        from llama_index.core.schema import TextNode

        for n, text in enumerate(self.corpus.texts()):
            yield TextNode(
                id_=str(n),
                text=text,
                embedding=[],
                metadata={"workspace": WORKSPACE, "collection": COLLECTION}
                | {tag: str(bool(has_tag(n, tag))).lower() for tag in TAGS if tag},
            )

    def open(self) -> Ways:
        from llama_index.core.vector_stores import MetadataFilter, MetadataFilters, VectorStoreQuery
        from llama_index.core.vector_stores.types import VectorStoreQueryMode

        store, corpus = self._store(), self.corpus

        def make(mode: Any, top: int, *, bound: bool) -> Search:
            def search(number: int, tag: str) -> list[int]:
                chosen = [MetadataFilter(key=tag, value="true")] if tag else []
                if bound:
                    chosen += [
                        MetadataFilter(key="workspace", value=WORKSPACE),
                        MetadataFilter(key="collection", value=COLLECTION),
                    ]
                query = VectorStoreQuery(
                    query_embedding=corpus.asked[number].tolist(),
                    query_str=corpus.questions[number],
                    similarity_top_k=top,
                    sparse_top_k=top,
                    mode=mode,
                    filters=MetadataFilters(filters=chosen) if chosen else None,
                )
                return [int(pk) for pk in store.query(query).ids or []][:TOP]

            return search

        modes = {
            "vector": VectorStoreQueryMode.DEFAULT,
            "lexical": VectorStoreQueryMode.SPARSE,
            "hybrid": VectorStoreQueryMode.HYBRID,
        }
        return Ways(
            {
                name: make(mode, CANDIDATES if name == "hybrid" else TOP, bound=True)
                for name, mode in modes.items()
            },
            {name: make(mode, TOP, bound=False) for name, mode in modes.items()},
        )


PEERS: dict[str, Callable[[Corpus, Path, str], Any]] = {
    "faiss": Faiss,
    "chroma": Chroma,
    "lancedb": LanceDB,
    "llamaindex": LlamaIndex,
}


def build(peer: Any, finished: Path) -> float:
    """Seconds that it took, now or before."""
    if not finished.exists():
        started = time.perf_counter()
        peer.build()
        finished.write_text(str(time.perf_counter() - started))
    return float(finished.read_text())


def ask(search: Search, tag: str, numbers: list[int], seconds: float) -> list[Any]:
    """Milliseconds and ids of each question, as far as the seconds last."""
    answers: list[Any] = []
    end = time.perf_counter() + seconds
    for number in numbers:
        began = time.perf_counter()
        if began > end:
            break
        found = search(number, tag)
        answers.append(((time.perf_counter() - began) * 1000, found))
    return answers


def main() -> None:
    name, folder, size, url = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    corpus = Corpus(folder, size)
    place = folder / name
    place.mkdir(exist_ok=True)
    peer = PEERS[name](corpus, place, url)
    seconds = build(peer, folder / f"{name}.finished")
    ways = peer.open() if sys.argv[5:] != ["build"] else Ways({})
    searches = {"same": ways.same, "manual": ways.manual}
    modes = {way: list(searches[way]) for way in searches}
    print(json.dumps({"seconds": seconds, "modes": modes}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        search = searches[asked["way"]][asked["mode"]]
        answers = ask(search, asked["tag"], asked["numbers"], asked["seconds"])
        print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    main()
