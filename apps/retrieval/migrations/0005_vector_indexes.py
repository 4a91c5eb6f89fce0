"""What a large index needs: a vector index of its own, and counts of its frequent terms."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("retrieval", "0004_builds"), ("workspaces", "0001_initial")]

    operations = [
        migrations.AddField(
            "index",
            "ann_kind",
            models.CharField(
                choices=[("hnsw", "Graph (HNSW)"), ("ivfflat", "Lists (IVFFlat)")],
                default="hnsw",
                max_length=10,
            ),
        ),
        migrations.AddField(
            "index",
            "precision",
            models.CharField(
                choices=[
                    ("full", "32 bits"),
                    ("half", "16 bits"),
                    ("binary", "1 bit, compared again by 16"),
                ],
                default="half",
                max_length=10,
            ),
        ),
        migrations.AddField(
            "index",
            "ann_state",
            models.CharField(
                choices=[
                    ("none", "Compared one by one"),
                    ("building", "Being built"),
                    ("ready", "Ready"),
                    ("failed", "Failed"),
                ],
                default="none",
                max_length=10,
            ),
        ),
        migrations.AddField("index", "ann_built", models.CharField(blank=True, max_length=21)),
        migrations.AddField("index", "terms_counted", models.PositiveIntegerField(default=0)),
        migrations.CreateModel(
            name="FrequentTerm",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "index_id",
                        "term",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("term", models.CharField(db_collation="C", max_length=80)),
                ("num_chunks", models.PositiveIntegerField()),
                (
                    "index",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="retrieval.index",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
        ),
    ]
