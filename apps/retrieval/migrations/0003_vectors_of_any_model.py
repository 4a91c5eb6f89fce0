from __future__ import annotations

import pgvector.django.halfvec
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("retrieval", "0002_search")]

    operations = [
        migrations.RemoveIndex(model_name="embedding", name="embedding_hnsw"),
        migrations.AlterField(
            model_name="embedding",
            name="vector",
            field=pgvector.django.halfvec.HalfVectorField(),
        ),
    ]
