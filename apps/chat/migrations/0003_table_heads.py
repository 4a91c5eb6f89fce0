"""What the table rows of a passage need of the table above them, as the model read it."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0002_answer_states")]

    operations = [
        migrations.AddField(
            model_name="retrievedpassage", name="table_head", field=models.TextField(null=True)
        )
    ]
