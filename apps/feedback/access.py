from __future__ import annotations

from uuid import UUID

from django.http import Http404

from apps.feedback.models import Feedback
from apps.feedback.selectors import filter_shown


def get_feedback(workspace_id: UUID, feedback_id: UUID) -> Feedback:
    """The workspace's feedback, as far as its setting shows it to editors, or Http404."""
    feedback = (
        filter_shown(Feedback.objects.filter(workspace_id=workspace_id))
        .filter(pk=feedback_id)
        .first()
    )
    if feedback is None:
        raise Http404
    return feedback
