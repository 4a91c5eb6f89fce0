"""Whether an index holds passages that were cut before tables had heads (ADR 18).

Their rows are embedded without the names of their columns. As a profile cuts a version once, only
an index with another profile has them cut again; `copy_profile` makes one with the same setting.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from apps.chunking.models import Chunk
from apps.documents.models import Document
from apps.retrieval.models import Index

TABLE_LINE = r"(^|\n)\|(\s*:?-{3,}:?\s*\|)+"
"""The line of dashes below a header, as readers write it."""


def lacks_table_heads(index: Index) -> bool:
    """Whether it has passages of tables from before, which stay so until they are cut again."""
    since = heads_since()
    if since is None or index.profile.created_at >= since:
        return False
    current = Document.objects.filter(
        collection=index.collection_id, deleted_at=None, current__created_at__lt=since
    )
    old = Chunk.objects.filter(
        version__in=current.values("current"), profile=index.profile_id, table_head=None
    )
    return old.filter(text__regex=TABLE_LINE).exists()


@lru_cache(maxsize=1)
def heads_since() -> dt.datetime | None:
    """When this installation learned to keep table heads; None if that is not known."""
    applied = MigrationRecorder(connection).applied_migrations()
    migration = applied.get(("chunking", "0003_table_heads"))
    return migration.applied if migration is not None else None
