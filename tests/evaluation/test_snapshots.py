"""An experiment keeps of a cited passage what a chat keeps of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apps.assistants.answering.citations import Span
from apps.assistants.answering.outcome import CitedPassage, Outcome
from apps.assistants.answering.unattended import AnsweredItem
from apps.documents.models import Document
from apps.evaluation.experiments.results import store_answers
from apps.evaluation.models import ItemPassage
from apps.traces.recorder import Recorder
from tests.assistants.test_snapshots import make_hit
from tests.evaluation.helpers import (
    current_release,
    make_assistant,
    make_experiment,
    make_version,
)


@pytest.mark.django_db
def test_an_edited_passage_is_cited_where_a_chat_cites_it(workspace: Any) -> None:
    """400 characters stand for 1000 to 1050 of the document, and are cited at 300 to 350."""
    assistant = make_assistant(workspace)
    made = make_experiment(assistant, make_version(workspace), [current_release(assistant)])
    document = Document.objects.get(name="leave.md")
    assert document.current_id is not None
    hit = replace(
        make_hit("x" * 400, 1000, 1050), document_id=document.pk, version_id=document.current_id
    )
    outcome = Outcome(content="So [1].", passages=[CitedPassage(1, hit, Span(300, 350, 1.0))])
    item = made.items.first()
    assert item is not None
    store_answers(made, [AnsweredItem(item.pk, Recorder("experiment"), outcome)])
    passage = ItemPassage.objects.get(item=item)
    assert (passage.cited_start, passage.cited_end) == (1000, 1050)
