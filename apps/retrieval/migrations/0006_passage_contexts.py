"""What models say about passages. Passages are deleted in bulk, and these go with them."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

GO_WITH_PASSAGE = """
ALTER TABLE retrieval_passagecontext ADD CONSTRAINT passagecontext_chunk
    FOREIGN KEY (chunk_id) REFERENCES chunking_chunk (id) ON DELETE CASCADE
"""


class Migration(migrations.Migration):
    dependencies = [
        ("chunking", "0002_edits_and_parents"),
        ("retrieval", "0005_vector_indexes"),
        ("workspaces", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            "PassageContext",
            [
                (
                    "chunk",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="context",
                        serialize=False,
                        to="chunking.chunk",
                    ),
                ),
                ("text", models.TextField()),
                ("model", models.CharField(max_length=200)),
                ("input_tokens", models.PositiveIntegerField(default=0)),
                ("output_tokens", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(GO_WITH_PASSAGE, migrations.RunSQL.noop),
    ]
