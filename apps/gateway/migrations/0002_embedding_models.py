from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import apps.core.ids


class Migration(migrations.Migration):
    dependencies = [("gateway", "0001_initial"), ("workspaces", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="EmbeddingModel",
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
                ("name", models.CharField(max_length=120)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("server", "A model server"),
                            ("folder", "A folder on this machine"),
                        ],
                        max_length=10,
                    ),
                ),
                ("base_url", models.CharField(blank=True, max_length=500)),
                ("model", models.CharField(blank=True, max_length=200)),
                ("api_key_encrypted", models.BinaryField(default=b"")),
                ("folder", models.CharField(blank=True, max_length=200)),
                ("dimensions", models.PositiveIntegerField()),
                ("max_tokens", models.PositiveIntegerField(default=512)),
                ("query_prefix", models.CharField(blank=True, max_length=200)),
                ("passage_prefix", models.CharField(blank=True, max_length=200)),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("check_ok", models.BooleanField(null=True)),
                ("check_message", models.TextField(blank=True)),
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
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("workspace", "name"), name="embedding_model_name"
                    )
                ],
            },
        ),
    ]
