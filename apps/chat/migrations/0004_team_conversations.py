"""Pinned conversations, the team's list of them, and an index of the words that were said."""

from __future__ import annotations

from django.db import migrations, models

# As apps/chat/conversations/search.py asks for it. What is longer than this is not indexed: a row
# whose words do not fit into a tsvector could not be stored at all.
WORDS = """
CREATE INDEX message_words ON chat_message
    USING gin (to_tsvector('simple'::regconfig, left(content, 50000)));
"""


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0003_table_heads"),
        ("workspaces", "0002_conversation_access"),
    ]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="is_pinned",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["workspace", "-updated_at"], name="conversation_team"),
        ),
        migrations.RunSQL(WORDS, "DROP INDEX message_words;"),
    ]
