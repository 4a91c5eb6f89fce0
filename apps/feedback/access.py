from __future__ import annotations

from uuid import UUID

from django.http import Http404

from apps.feedback.models import Feedback


def get_feedback(workspace_id: UUID, feedback_id: UUID) -> Feedback:
    """The workspace's feedback, or Http404."""
    feedback = Feedback.objects.filter(workspace_id=workspace_id, pk=feedback_id).first()
    if feedback is None:
        raise Http404
    return feedback
