"""The postings of frequent terms in packed form, for large indexes."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

# Numbers do not compress: out of line, and as they are.
STORAGE = """
ALTER TABLE retrieval_frequentterm ALTER COLUMN chunk_ids SET STORAGE EXTERNAL;
ALTER TABLE retrieval_frequentterm ALTER COLUMN impacts SET STORAGE EXTERNAL;
"""


def _workspace(*, db_index: bool) -> models.Field:
    return models.ForeignKey(
        db_index=db_index,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="+",
        to="workspaces.workspace",
    )


class Migration(migrations.Migration):
    dependencies = [("retrieval", "0006_passage_contexts")]

    operations = [
        migrations.AddField("frequentterm", "chunk_ids", models.BinaryField(default=bytes)),
        migrations.AddField("frequentterm", "impacts", models.BinaryField(default=bytes)),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="TermLists",
            fields=[
                (
                    "index",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="term_lists",
                        serialize=False,
                        to="retrieval.index",
                    ),
                ),
                ("base", models.BigIntegerField(default=0)),
                ("until", models.BigIntegerField(default=0)),
                ("watch", models.BigIntegerField(default=0)),
                ("workspace", _workspace(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="LatePassage",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "index_id",
                        "chunk_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("noted_at", models.DateTimeField(default=django.utils.timezone.now)),
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
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="retrieval.index",
                    ),
                ),
                ("workspace", _workspace(db_index=False)),
            ],
        ),
    ]
