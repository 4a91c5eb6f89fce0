from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0002_job_kinds")]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="kind",
            field=models.CharField(
                choices=[
                    ("parse_version", "Read a document"),
                    ("embed_version", "Make a document searchable"),
                    ("fetch_url", "Fetch a web page"),
                    ("build_index", "Build an index"),
                    ("discard_index", "Remove what is left of an index"),
                    ("index_vectors", "Index the vectors of a large collection"),
                    ("purge_document", "Remove what is left of a deleted document"),
                    ("seed_demo", "Fill the demo workspace"),
                    ("run_experiment", "Run an experiment"),
                ],
                max_length=40,
            ),
        ),
    ]
