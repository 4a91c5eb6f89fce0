"""What a search needs: counters, the version of a vector, HNSW, postings read from their key.

The primary key of the postings includes the columns that BM25 reads, so that a search is an
index-only scan and there is no second index as large as the table.
"""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models
from pgvector.django import HnswIndex

COVERING_KEY = """
ALTER TABLE retrieval_posting DROP CONSTRAINT retrieval_posting_pkey;
ALTER TABLE retrieval_posting ADD CONSTRAINT retrieval_posting_pkey
    PRIMARY KEY (index_id, term, chunk_id) INCLUDE (frequency, length);
"""

# Postings come in large batches that are searched at once: look at them before 20 % are new.
AUTOVACUUM = """
ALTER TABLE retrieval_posting SET (
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05
);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("chunking", "0001_initial"),
        ("documents", "0001_initial"),
        ("workspaces", "0001_initial"),
        ("retrieval", "0001_initial"),
    ]

    operations = [
        migrations.AddField("index", "num_chunks", models.PositiveIntegerField(default=0)),
        migrations.AddField("index", "total_length", models.PositiveBigIntegerField(default=0)),
        migrations.AddField(
            "embedding",
            "version",
            models.ForeignKey(
                default=None,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="documents.documentversion",
            ),
            preserve_default=False,
        ),
        migrations.AddIndex(
            "embedding",
            HnswIndex(
                ef_construction=64,
                fields=["vector"],
                m=16,
                name="embedding_hnsw",
                opclasses=["halfvec_cosine_ops"],
            ),
        ),
        migrations.DeleteModel("Posting"),
        migrations.CreateModel(
            name="Posting",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "index_id",
                        "term",
                        "chunk_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("term", models.CharField(db_collation="C", max_length=80)),
                ("frequency", models.PositiveSmallIntegerField()),
                ("length", models.PositiveIntegerField()),
                (
                    "chunk",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="chunking.chunk",
                    ),
                ),
                (
                    "index",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="retrieval.index",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(COVERING_KEY, migrations.RunSQL.noop),
        migrations.RunSQL(AUTOVACUUM, migrations.RunSQL.noop),
    ]
