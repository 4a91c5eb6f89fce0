"""Conversations, their messages, and the passages that each answer was given."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.assistants.models import Assistant, Release
from apps.documents.models import Collection, Document, DocumentVersion
from apps.traces.models import Trace
from apps.workspaces.models import ApiKey, User, WorkspaceModel


class Conversation(WorkspaceModel):
    """A thread with one assistant: of a person in the browser, or of a key through the API.

    `files` is the private collection of what was attached to it; no other conversation has it.
    """

    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="conversations")
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, null=True, related_name="+")
    files = models.OneToOneField(
        Collection, on_delete=models.SET_NULL, null=True, related_name="conversation"
    )
    title = models.CharField(max_length=200, blank=True)
    is_pinned = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["assistant", "user", "-updated_at"], name="conversation_recent"),
            models.Index(fields=["workspace", "-updated_at"], name="conversation_team"),
        ]

    def __str__(self) -> str:
        return self.title or "Conversation"


class MessageState(models.TextChoices):
    STREAMING = "streaming", "Answering"
    DONE = "done", "Done"
    STOPPED = "stopped", "Stopped"
    INTERRUPTED = "interrupted", "Interrupted"
    FAILED = "failed", "Failed"
    CUT = "cut", "Cut off"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Message(WorkspaceModel):
    """One turn's question or answer.

    An answer is streaming -> done | stopped | interrupted | failed | cut | refused; any of these ->
    withdrawn when a document that it quotes is deleted. Cut off is what its model ended before it
    was whole, refused what its model would not answer. `replaced` marks what a regenerate or an
    edit put aside. `content` of an answer holds its citations as [n], where n is a passage's
    `number`. `scope` is what the question is asked within, as `answering.scope` writes it; empty
    for everything. `follow_ups` are questions that can be asked next, None until somebody looked.
    """

    class Author(models.TextChoices):
        USER = "user", "Question"
        ASSISTANT = "assistant", "Answer"

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    author = models.CharField(max_length=10, choices=Author.choices)
    question = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, related_name="answers"
    )
    content = models.TextField(blank=True)
    state = models.CharField(max_length=12, choices=MessageState.choices, default=MessageState.DONE)
    is_declined = models.BooleanField(default=False)
    reason = models.TextField(blank=True)
    replaced = models.BooleanField(default=False)
    scope = models.JSONField(default=dict, blank=True)
    follow_ups = models.JSONField(null=True, blank=True)
    release = models.ForeignKey(Release, on_delete=models.CASCADE, null=True, related_name="+")
    trace = models.ForeignKey(Trace, on_delete=models.SET_NULL, null=True, related_name="+")
    process = models.CharField(max_length=60, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["conversation", "created_at"], name="message_order"),
            models.Index(
                fields=["heartbeat_at"],
                name="message_open",
                condition=models.Q(state="streaming"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.author}: {self.content[:40]}"


class RetrievedPassage(WorkspaceModel):
    """The retrieval snapshot: a passage as an answer was given it, with its number and scores.

    It keeps its own copy of the text and no key to the chunk, because a later version replaces
    chunks; it goes when its document goes. `cited_start` and `cited_end` are offsets into the
    version's full text, like `start` and `end`.
    """

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="passages")
    number = models.PositiveSmallIntegerField()
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="+")
    chunk_id = models.BigIntegerField(null=True)
    page = models.PositiveIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    text = models.TextField()
    heading = models.CharField(max_length=500, blank=True)
    table_head = models.TextField(null=True)  # noqa: DJ001
    scores = models.JSONField(default=dict)
    is_cited = models.BooleanField(default=False)
    cited_start = models.PositiveIntegerField(null=True)
    cited_end = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "number"], name="passage_number")]
        indexes = [
            models.Index(
                fields=["document"], name="passage_cited", condition=models.Q(is_cited=True)
            )
        ]

    def __str__(self) -> str:
        return f"[{self.number}]"
