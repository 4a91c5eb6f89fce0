"""Examples from real use: chat answers, and the feedback on them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from apps.assistants.answering.snapshots import read_cited
from apps.chat.access import shows_turns_before
from apps.chat.models import Message, RetrievedPassage
from apps.chat.selectors import list_history
from apps.core.citations import remove_citations
from apps.datasets.examples import (
    MAX_ANSWER,
    MAX_PASSAGE,
    MAX_QUESTION,
    MAX_TURNS,
    ExampleFields,
    ExpectedPassage,
    clean_fields,
    plain_values,
)
from apps.datasets.models import (
    MAX_NAME,
    Dataset,
    DatasetVersion,
    Example,
    ReviewState,
    SourceKind,
)
from apps.datasets.services import (
    ExampleSource,
    add_example,
    lock_draft,
    review_example,
    update_example,
)
from apps.feedback.models import Feedback, Rating, Reason
from apps.feedback.selectors import filter_shown
from apps.workspaces.models import User
from apps.workspaces.services import Actor

BUILT_IN = "built-in reader"
_BEFORE_MARK = re.compile(r"[ \t]+(?=[.,;:!?]|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Captured:
    """The example, and whether it is new; one that was there may take over a later verdict."""

    example: Example
    is_new: bool
    is_changed: bool = False

    @property
    def words(self) -> str:
        """What is expected now, and why."""
        example = self.example
        if example.state == ReviewState.PROPOSED:
            return TO_REVIEW
        if example.written_by:
            words = OWN_WORDS if example.is_answerable else OWN_REFUSAL
            return words.format(author=example.written_by)
        return "" if example.expected_answer or not example.is_answerable else NOTHING_EXPECTED


TO_REVIEW = (
    "It is a question to review: somebody rated the answer as not helpful, and nobody has said "
    "yet what would be right. It counts once you have accepted it."
)
OWN_WORDS = (
    "Its expected answer is what {author} said. It is marked as that, because measuring the same "
    "release on it proves nothing."
)
OWN_REFUSAL = "It expects no answer, because {author} found none. It is marked as that."
NOTHING_EXPECTED = "It has no expected answer yet."


class PrivateSourceError(ValueError):
    """The answer draws on a file that only whoever attached it sees."""

    def __init__(self) -> None:
        super().__init__(
            "This answer, or a turn before it, draws on a file that was attached to the "
            "conversation. Only its owner sees that file, and everybody in the workspace reads "
            "datasets, so it cannot be added to one."
        )


@dataclass(frozen=True, slots=True)
class _Truth:
    """What an answer and the verdicts on it let an example expect."""

    expected: str
    is_answerable: bool
    is_settled: bool
    with_passages: bool
    answered_by: Mapping[str, Any]


def capture_answer(dataset: Dataset, *, answer: Message, actor: Actor) -> Captured:
    """Put a chat's question into the draft, once, with what is expected by all verdicts on it.

    A correction is what is expected. An answer that was rated down goes in as a question to review
    and never as what is right. Otherwise the answer is expected and marked as the release's; one
    that found nothing becomes an example that the documents do not answer. Raises ValueError for a
    message that is no answer, PrivateSourceError, TooManyError.
    """
    return _capture(dataset, answer, (), ExampleSource(SourceKind.CHAT, str(answer.pk)), actor)


def capture_feedback(dataset: Dataset, *, feedback: Feedback, actor: Actor) -> Captured:
    """Put a rated answer into the draft, as `capture_answer` does. This verdict counts first."""
    source = ExampleSource(SourceKind.FEEDBACK, str(feedback.pk))
    return _capture(dataset, feedback.message, (feedback,), source, actor)


@transaction.atomic
def _capture(
    dataset: Dataset,
    answer: Message,
    first: Sequence[Feedback],
    source: ExampleSource,
    actor: Actor,
) -> Captured:
    refuse_private_sources(answer, user=actor.user)
    draft = lock_draft(dataset)
    others = filter_shown(Feedback.objects.filter(message=answer)).order_by("-updated_at")
    verdicts = [*first, *others.exclude(pk__in=[one.pk for one in first])]
    truth = _read_verdicts(answer, verdicts)
    fields = _fields(answer, actor, truth)
    if known := _find(draft, answer):
        is_changed = _take_over(known, truth, fields, actor)
        return Captured(known, is_new=False, is_changed=is_changed)
    example = add_example(
        dataset,
        fields=fields,
        actor=actor,
        source=replace(source, note=_note(answer)),
        state=_state(truth),
    )
    return Captured(example, is_new=True)


def refuse_private_sources(answer: Message, *, user: User | None) -> None:
    """Raises PrivateSourceError if what an example would keep comes from an attached file.

    That is the answer, and the turns before it where they go along. What cites nothing but was
    given such a file may hold its words too.
    """
    private = RetrievedPassage.objects.filter(
        message__conversation=answer.conversation_id, document__collection__is_private=True
    )
    kept = Q(message=answer)
    if answer.question and shows_turns_before(answer, user=user):
        kept |= Q(message__replaced=False, message__created_at__lt=answer.question.created_at)
    cited = RetrievedPassage.objects.filter(message=OuterRef("message"), is_cited=True)
    uncited = Q(message__is_declined=False) & ~Exists(cited)
    if private.filter(kept, Q(is_cited=True) | uncited).exists():
        raise PrivateSourceError


def _read_verdicts(answer: Message, verdicts: Sequence[Feedback]) -> _Truth:
    """The first correction decides; without one, a single thumb down leaves it open."""
    correction = next((one.correction.strip() for one in verdicts if one.correction.strip()), "")
    is_down = any(one.rating == Rating.DOWN for one in verdicts)
    reasons = {one.reason for one in verdicts}
    is_own = not correction and not is_down
    expected = correction
    if is_own and not answer.is_declined:
        expected = strip_citations(answer.content)
    is_missing = Reason.NOT_IN_DOCUMENTS in reasons or (is_own and answer.is_declined)
    return _Truth(
        expected=expected,
        is_answerable=bool(expected) or not is_missing,
        is_settled=bool(correction) or not is_down,
        with_passages=Reason.BAD_SOURCE not in reasons,
        answered_by=_author(answer) if is_own else {},
    )


def _author(answer: Message) -> dict[str, Any]:
    release = answer.release
    if release is None:
        return {"model": "an unknown release"}
    return {
        "release_id": str(release.pk),
        "release": release.number,
        "assistant": answer.conversation.assistant.name[:MAX_NAME],
        "model": str(release.endpoint_snapshot.get("model") or BUILT_IN)[:200],
    }


def _state(truth: _Truth) -> ReviewState:
    return ReviewState.ACCEPTED if truth.is_settled else ReviewState.PROPOSED


def _find(draft: DatasetVersion, answer: Message) -> Example | None:
    """The draft's example of this answer, whether it was taken from the chat or from feedback."""
    feedback = [str(pk) for pk in answer.feedback.values_list("pk", flat=True)]
    return draft.examples.filter(
        Q(source_kind=SourceKind.CHAT, source_id=str(answer.pk))
        | Q(source_kind=SourceKind.FEEDBACK, source_id__in=feedback)
    ).first()


def _take_over(example: Example, truth: _Truth, fields: ExampleFields, actor: Actor) -> bool:
    """Let a later verdict replace what nobody has written: the release's own words, or nothing."""
    is_open = example.state == ReviewState.PROPOSED and not example.expected_answer
    is_news = bool(example.answered_by) or (is_open and bool(truth.expected))
    if not is_news or truth.answered_by:
        return False
    kept = clean_fields(plain_values(example))
    changed = replace(
        kept,
        expected_answer=fields.expected_answer,
        is_answerable=fields.is_answerable,
        expected_passages=fields.expected_passages,
        answered_by={},
    )
    update_example(example, fields=changed, actor=actor)
    review_example(example, state=_state(truth), actor=actor)
    example.refresh_from_db()
    return True


def strip_citations(text: str) -> str:
    """The answer without its [n]."""
    return _BEFORE_MARK.sub("", remove_citations(text)).strip()


def _fields(answer: Message, actor: Actor, truth: _Truth) -> ExampleFields:
    if answer.author != Message.Author.ASSISTANT or answer.question is None:
        raise ValueError("Only an answer can become an example.")
    turns = []
    if shows_turns_before(answer, user=actor.user):
        turns = list_history(answer.conversation, before=answer.question)[-MAX_TURNS:]
    # What was attached to a conversation stays there: a dataset is read by the whole workspace.
    passages = answer.passages.select_related("document").filter(
        is_cited=True, document__collection__is_private=False
    )
    return ExampleFields(
        question=answer.question.content.strip()[:MAX_QUESTION],
        expected_answer=truth.expected[:MAX_ANSWER],
        expected_passages=tuple(_passage(passage) for passage in passages.order_by("number"))
        if truth.with_passages and truth.is_answerable
        else (),
        is_answerable=truth.is_answerable,
        history=tuple(
            (turn.question[:MAX_QUESTION], strip_citations(turn.answer)[:MAX_ANSWER])
            for turn in turns
        ),
        answered_by=truth.answered_by,
    )


def _passage(passage: RetrievedPassage) -> ExpectedPassage:
    """The cited sentences, or the whole passage if they are not known."""
    start, end, text = read_cited(passage)
    return ExpectedPassage(
        text=text[:MAX_PASSAGE],
        document_id=str(passage.document_id),
        document_name=passage.document.name,
        start=start,
        end=end,
    )


def _note(answer: Message) -> str:
    release = f", release {answer.release.number}" if answer.release else ""
    return f"{answer.conversation.assistant.name}{release}"
