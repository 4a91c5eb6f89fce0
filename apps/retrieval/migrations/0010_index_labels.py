import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("retrieval", "0009_shorter_packed_terms")]

    operations = [
        migrations.AddField(
            model_name="index",
            name="labels",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("name", "Name of the document"),
                        ("tags", "Tags"),
                        ("metadata", "Metadata"),
                        ("date", "Date"),
                    ],
                    max_length=10,
                ),
                blank=True,
                db_default=[],
                default=list,
                size=None,
            ),
        ),
    ]
