from __future__ import annotations

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "apps.chat"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.documents import doors as documents
        from apps.retrieval import doors as retrieval
        from apps.traces import doors as traces

        documents.count_citations.fill("apps.chat.selectors.count_citations")
        documents.owns_files.fill("apps.chat.asking.files.owns_files")
        retrieval.list_recent_questions.fill("apps.chat.selectors.list_recent_questions")
        traces.describe_subject.add("apps.chat.traced.describe_answer")
        traces.may_read_subject.add("apps.chat.traced.may_read_answer")
