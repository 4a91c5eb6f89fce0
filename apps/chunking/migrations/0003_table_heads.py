"""What a chunk's table rows need of the table above them; null in every chunk there is."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chunking", "0002_edits_and_parents")]

    operations = [
        migrations.AddField(
            model_name="chunk", name="table_head", field=models.TextField(null=True)
        )
    ]
