"""REST: an answer, or the feedback on one, becomes an example."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.chat.access import get_readable_answer
from apps.core.api import Problem
from apps.datasets.access import get_dataset
from apps.datasets.capture import (
    Captured,
    PrivateSourceError,
    capture_answer,
    capture_feedback,
)
from apps.datasets.models import Dataset
from apps.datasets.serializers import CapturedSerializer, CaptureRequestSerializer
from apps.datasets.services import MAX_EXAMPLES, TooManyError
from apps.feedback.access import get_feedback
from apps.workspaces.api import WorkspaceAPIView

FULL = Problem(413, "too_many", f"A dataset holds at most {MAX_EXAMPLES:,} examples.")


class CaptureView(WorkspaceAPIView):
    @extend_schema(
        operation_id="datasets_capture",
        request=CaptureRequestSerializer,
        responses={200: CapturedSerializer, 201: CapturedSerializer},
    )
    def post(self, request: Request, dataset_id: UUID) -> Response:
        """Put an answer's question into the draft, once.

        A correction is what is expected. An answer that was rated down becomes a question to
        review, never what is right; any other is expected and marked as the release's own. One
        that draws on an attached file is refused (`private_source`).
        """
        dataset = get_dataset(self.workspace_id, dataset_id)
        form = CaptureRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            captured = self._capture(dataset, form.validated_data)
        except TooManyError:
            raise FULL from None
        except PrivateSourceError as error:
            raise Problem(409, "private_source", str(error)) from None
        status = 201 if captured.is_new else 200
        return Response(CapturedSerializer(captured).data, status=status)

    def _capture(self, dataset: Dataset, values: dict[str, UUID]) -> Captured:
        if "feedback" in values:
            feedback = get_feedback(self.workspace_id, values["feedback"])
            return capture_feedback(dataset, feedback=feedback, actor=self.actor)
        answer = get_readable_answer(self.access, values["message"])
        return capture_answer(dataset, answer=answer, actor=self.actor)
