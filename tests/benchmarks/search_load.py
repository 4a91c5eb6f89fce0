"""Puts a corpus straight into the product's tables, as publishing would leave it.

Rows go in by COPY and the keys of the postings are built afterwards: a million passages in
minutes. What the product itself does with a new index (frequent terms, vector index) is left to
its own jobs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from tests.benchmarks.search_corpus import BLOCK, Block, Corpus

if TYPE_CHECKING:
    from django.db.models import Model

    from apps.documents.models import Collection
    from apps.retrieval.models import Index
    from apps.workspaces.models import Workspace

DOCUMENT_CHUNKS = 10
TAGS = {"tenth": 10, "hundredth": 100, "thousandth": 1_000}
"""Tags and of how many documents one carries them: selectivities of 10 %, 1 % and 0.1 %."""


def raw_connection() -> psycopg.Connection[tuple[Any, ...]]:
    from django.db import connection

    connection.ensure_connection()
    raw = cast("psycopg.Connection[tuple[Any, ...]]", connection.connection)
    register_vector(raw)
    return raw


def copy_rows(model: type[Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows of the fields `names`; every other column gets its field's default."""
    from django.db.models import AutoField

    fields = list(model._meta.concrete_fields)
    given = {name: model._meta.get_field(name) for name in names}
    rest = [f for f in fields if f not in given.values() and not isinstance(f, AutoField)]
    columns = [cast(Any, field).column for field in [*given.values(), *rest]]
    with raw_connection().cursor() as cursor:
        statement = f"COPY {model._meta.db_table} ({', '.join(map(quote, columns))}) FROM STDIN"
        with cursor.copy(statement.encode()) as copy:
            for row in rows:
                copy.write_row([*row, *[prepare(field) for field in rest]])


def quote(name: str) -> str:
    return f'"{name}"'


def prepare(field: Any) -> Any:
    """A field's default as COPY takes it."""
    from django.db import connection

    return field.get_db_prep_save(field.get_default(), connection)


def tags_of(number: int) -> list[str]:
    """The tags of the document of this number: evenly spread, and at least one of each."""
    return [tag for tag, every in TAGS.items() if number % every == every // 2]


def execute(sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    """One statement outside of any transaction; its rows."""
    cursor = raw_connection().execute(sql.encode(), arguments)
    return cursor.fetchall() if cursor.description else []


@contextmanager
def without_indexes(table: str) -> Iterator[None]:
    """Drop the table's keys and indexes, and build them again afterwards, which is faster."""
    found = execute(
        "SELECT c.relname, pg_get_indexdef(i.indexrelid), coalesce(k.conname, ''), "
        "coalesce(pg_get_constraintdef(k.oid), '') FROM pg_index i "
        "JOIN pg_class c ON c.oid = i.indexrelid "
        "LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u') "
        f"WHERE i.indrelid = '{table}'::regclass"
    )
    for name, _, constraint, _ in found:
        execute(
            f"ALTER TABLE {table} DROP CONSTRAINT {quote(constraint)}"
            if constraint
            else f"DROP INDEX {quote(name)}"
        )
    yield
    execute("SET maintenance_work_mem = '1GB'")
    for _, definition, constraint, text in found:
        execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {quote(constraint)} {text}"
            if constraint
            else definition
        )
    execute("RESET maintenance_work_mem")


class Loader:
    """Fills one collection."""

    def __init__(self, workspace: Workspace, *, name: str) -> None:
        from apps.documents.models import Collection
        from apps.retrieval.indexes.services import ensure_live_index

        self.collection: Collection = Collection.objects.create(workspace=workspace, name=name)
        self.index: Index = ensure_live_index(self.collection)
        self.ids: list[int] = []

    def load(self, corpus: Corpus, size: int) -> None:
        """All of it but the counters' consequences: vector index and frequent terms."""
        started = time.perf_counter()
        length = 0
        for block in corpus.blocks(size):
            first = self._reserve(len(block.texts))
            self._documents(block, first_chunk=first)
            self._embeddings(block, first_chunk=first)
            length += self._postings(block, first_chunk=first)
        self.index.num_chunks, self.index.total_length = size, length
        self.index.save(update_fields=["num_chunks", "total_length"])
        print(f"  {size:,} passages copied in {time.perf_counter() - started:.0f} s", flush=True)

    def _reserve(self, count: int) -> int:
        found = execute(
            "SELECT nextval(pg_get_serial_sequence('chunking_chunk', 'id')) "
            f"FROM generate_series(1, {count})"
        )
        self.ids += [row[0] for row in found]
        return int(found[0][0])

    def _documents(self, block: Block, *, first_chunk: int) -> None:
        from apps.chunking.models import Chunk
        from apps.core.ids import uuid7
        from apps.documents.models import Document, DocumentVersion, VersionState

        starts = range(0, len(block.texts), DOCUMENT_CHUNKS)
        numbers = [(block.first + start) // DOCUMENT_CHUNKS for start in starts]
        documents = [uuid7() for _ in numbers]
        self.versions = [uuid7() for _ in numbers]
        place = (self.collection.workspace_id, self.collection.pk)
        copy_rows(
            Document,
            ["id", "name", "tags", "workspace", "collection"],
            (
                (pk, f"document {number}.txt", tags_of(number), *place)
                for pk, number in zip(documents, numbers, strict=True)
            ),
        )
        copy_rows(
            DocumentVersion,
            ["id", "workspace", "document", "number", "filename", "state", "num_chunks"],
            (
                (version, place[0], document, 1, "document.txt", VersionState.READY,
                 DOCUMENT_CHUNKS)
                for version, document in zip(self.versions, documents, strict=True)
            ),
        )  # fmt: skip
        execute(
            "UPDATE documents_document d SET current_id = v.id FROM documents_documentversion v "
            "WHERE v.document_id = d.id AND d.id = ANY(%s)",
            documents,
        )
        copy_rows(
            Chunk,
            ["id", "workspace", "version", "profile", "position", "text", "start", "end",
             "first_page", "last_page", "num_tokens"],
            (
                (first_chunk + n, place[0], self._version(n), self.index.profile_id,
                 n % DOCUMENT_CHUNKS, text, 2_000 * (n % DOCUMENT_CHUNKS),
                 2_000 * (n % DOCUMENT_CHUNKS) + len(text), 1, 1, len(text) // 5)
                for n, text in enumerate(block.texts)
            ),
        )  # fmt: skip

    def _version(self, number: int) -> UUID:
        return self.versions[number // DOCUMENT_CHUNKS]

    def _embeddings(self, block: Block, *, first_chunk: int) -> None:
        from apps.retrieval.models import Embedding

        copy_rows(
            Embedding,
            ["workspace", "index", "version", "chunk", "vector"],
            (
                (self.collection.workspace_id, self.index.pk, self._version(n), first_chunk + n,
                 HalfVector(vector))
                for n, vector in enumerate(block.vectors)
            ),
        )  # fmt: skip

    def _postings(self, block: Block, *, first_chunk: int) -> int:
        """Returns how many terms the passages have, each as often as it stands there."""
        prefix = f"{self.collection.workspace_id}\t{self.index.pk}"
        total = 0
        statement = (
            "COPY retrieval_posting (workspace_id, index_id, chunk_id, term, frequency, length) "
            "FROM STDIN"
        )
        with raw_connection().cursor() as cursor, cursor.copy(statement) as copy:
            for start in range(0, len(block.terms), 500):
                lines = []
                for n, counts in enumerate(block.terms[start : start + 500], start):
                    length, chunk_id = counts.total(), first_chunk + n
                    total += length
                    lines += [
                        f"{prefix}\t{chunk_id}\t{term}\t{count}\t{length}\n"
                        for term, count in counts.items()
                    ]
                copy.write("".join(lines))
        return total


def load_sizes(workspace: Workspace, corpus: Corpus, sizes: Sequence[int]) -> dict[int, Loader]:
    """A collection for each size, in the same tables, as it would be in one installation."""
    loaders: dict[int, Loader] = {}
    with without_indexes("retrieval_posting"):
        for size in sizes:
            loaders[size] = Loader(workspace, name=f"{size:,} passages")
            loaders[size].load(corpus, size)
    print("  keys built, now VACUUM ANALYZE", flush=True)
    execute("VACUUM (ANALYZE)")
    return loaders


__all__ = ["BLOCK", "DOCUMENT_CHUNKS", "TAGS", "Loader", "execute", "load_sizes", "tags_of"]


def bring_up_to_date(index: Index) -> float:
    """What the product's job does for a large index; the seconds that the vector index took."""
    from apps.retrieval.models import AnnState
    from apps.retrieval.postings import packing
    from apps.retrieval.vectors import ann

    index.refresh_from_db()
    wanted = ann.wanted_vectors(index)
    if wanted is None:
        return 0.0
    if ann.terms_are_old(index):
        packing.pack(index)
    started = time.perf_counter()
    ann.build(wanted, num_chunks=index.num_chunks)
    seconds = time.perf_counter() - started
    index.ann_built, index.ann_state = wanted.label, AnnState.READY
    index.save(update_fields=["ann_built", "ann_state"])
    ann.drop_others(index.pk, keep=[wanted.name])
    return seconds


# What a server in use has in memory

RELATIONS = """
SELECT pg_relation_filepath(relation.oid) FROM pg_class relation
LEFT JOIN pg_class owner ON owner.reltoastrelid = relation.oid
WHERE relation.relkind IN ('r', 'i', 't') AND relation.relnamespace <> 'pg_catalog'::regnamespace
  AND coalesce(owner.relname, relation.relname) LIKE %s
  AND (%s OR coalesce(owner.relname, relation.relname) NOT LIKE '%%llama%%')
  AND relation.relname <> 'retrieval_posting'
"""


def read_relations(data: Path, *, peer: str = "") -> None:
    """Read the files of the product's tables and indexes, or those with a peer's in the name.

    `data` is the server's folder. Not the postings themselves: searches read their index.
    """
    for (path,) in execute(RELATIONS, f"%{peer}%", bool(peer)):
        for file in (data / path).parent.glob(f"{Path(path).name}*"):
            read_file(file)


def read_file(path: Path) -> None:
    """Once, so that it comes from memory the next time."""
    with path.open("rb", buffering=0) as file:
        while file.read(2**22):
            pass
