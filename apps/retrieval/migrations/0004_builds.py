"""What an index needs to be built beside the live one, and the questions to compare them with."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import apps.core.ids

# Until now there were live indexes only, and those were ready as they were made.
DATE_THE_LIVE = "UPDATE retrieval_index SET ready_at = created_at, live_at = created_at"


class Migration(migrations.Migration):
    dependencies = [
        ("retrieval", "0003_vectors_of_any_model"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("index", "dimensions", models.PositiveIntegerField(default=384)),
        migrations.AddField(
            "index",
            "stage",
            models.CharField(
                choices=[
                    ("waiting", "Waiting for its turn"),
                    ("splitting", "Splitting into passages"),
                    ("embedding", "Embedding passages"),
                    ("ready", "Ready"),
                ],
                default="ready",
                max_length=10,
            ),
        ),
        migrations.AddField("index", "goes_live", models.BooleanField(default=False)),
        migrations.AddField(
            "index",
            "created_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField("index", "ready_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("index", "live_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("index", "retired_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("index", "discarded_at", models.DateTimeField(blank=True, null=True)),
        migrations.RunSQL(DATE_THE_LIVE, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="IndexedVersion",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
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
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="documents.documentversion",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("index", "version"), name="indexed_version_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedQuery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=apps.core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("text", models.CharField(max_length=500)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "collection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="documents.collection",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("collection", "text"), name="saved_query_once")
                ],
            },
        ),
    ]
