"""What the table rows of a passage need of the table above them, as the model read it."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0005_lab_has_its_own_app")]

    operations = [
        migrations.AddField(
            model_name="itempassage", name="table_head", field=models.TextField(null=True)
        )
    ]
