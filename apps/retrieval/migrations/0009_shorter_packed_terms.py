"""Packed postings by their gaps. Those in the old form go; the sweep has them packed anew.

Until then their terms are read like rare ones: right, but slower.
"""

from __future__ import annotations

from django.db import migrations

FORGET = """
TRUNCATE retrieval_frequentterm;
UPDATE retrieval_index SET terms_counted = 0 WHERE terms_counted > 0;
"""


class Migration(migrations.Migration):
    dependencies = [("retrieval", "0008_indexes_of_vectors")]

    operations = [migrations.RunSQL(FORGET, FORGET)]
