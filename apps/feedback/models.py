"""What people think of answers, with what is needed to learn from it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.assistants.models import Release
from apps.chat.models import Conversation, Message
from apps.traces.models import Trace
from apps.workspaces.models import ApiKey, User, WorkspaceModel


class Rating(models.TextChoices):
    UP = "up", "Helpful"
    DOWN = "down", "Not helpful"


class Reason(models.TextChoices):
    WRONG = "wrong", "Wrong"
    NOT_IN_DOCUMENTS = "not_in_documents", "Not in the documents"
    INCOMPLETE = "incomplete", "Incomplete"
    BAD_SOURCE = "bad_source", "Bad source"


class FeedbackState(models.TextChoices):
    OPEN = "open", "New"
    RESOLVED = "resolved", "Resolved"


class Feedback(WorkspaceModel):
    """One person's (or program's) verdict on one answer; a second one replaces the first."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="feedback")
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="+")
    trace = models.ForeignKey(Trace, on_delete=models.SET_NULL, null=True, related_name="+")
    rating = models.CharField(max_length=4, choices=Rating.choices)
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    comment = models.TextField(blank=True)
    correction = models.TextField(blank=True)
    state = models.CharField(
        max_length=10, choices=FeedbackState.choices, default=FeedbackState.OPEN
    )
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "created_by"],
                name="feedback_user",
                condition=models.Q(created_by__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["message", "api_key"],
                name="feedback_key",
                condition=models.Q(api_key__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["workspace", "-created_at"], name="feedback_recent")]

    def __str__(self) -> str:
        return f"{self.rating} on {self.message_id}"


class ReviewState(models.TextChoices):
    """The states of feedback, as they are called where a conversation is worked through."""

    OPEN = FeedbackState.OPEN.value, "To review"
    RESOLVED = FeedbackState.RESOLVED.value, "Resolved"


class ConversationReview(WorkspaceModel):
    """Where the team stands with a conversation. Without a row, nobody has marked it."""

    conversation = models.OneToOneField(
        Conversation, on_delete=models.CASCADE, related_name="review"
    )
    state = models.CharField(max_length=10, choices=ReviewState.choices)
    note = models.TextField(blank=True)
    changed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["workspace", "state"], name="review_state")]

    def __str__(self) -> str:
        return f"{self.state}: {self.conversation_id}"
