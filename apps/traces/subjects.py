"""What a trace is about, as its page shows it. The app that owns the subject fills this in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.safestring import SafeString


@dataclass(frozen=True, slots=True)
class GivenPassage:
    """A passage that the run was given, with how it was found: scores, and places from 1."""

    number: int
    label: str
    url: str
    text: str
    is_cited: bool
    score: float | None = None
    lexical_score: float | None = None
    lexical_rank: int | None = None
    vector_score: float | None = None
    vector_rank: int | None = None


@dataclass(frozen=True, slots=True)
class TracePrompt:
    """What a model was asked, as (role, text). `is_exact` where it is as long as what was sent."""

    messages: Sequence[tuple[str, str]]
    is_exact: bool


@dataclass(frozen=True, slots=True)
class TraceSubject:
    """The question and its answer around the steps.

    `crumbs` are (label, address) from the outermost page inwards. `prompt` is None where no
    model was asked, and `model` empty where the built-in reader answered. `release` is (number,
    address). `step_labels` name spans for people;
    a span that is not among them keeps its name. `nav` is the part of the product that it is in.
    Without `shows_texts` the details of the steps are figures alone. `withheld` are the numbers of
    passages that this reader may not see.
    """

    nav: str
    crumbs: Sequence[tuple[str, str]]
    question: str
    answer_html: SafeString | str
    passages: Sequence[GivenPassage] = ()
    prompt: TracePrompt | None = None
    release: tuple[int, str] | None = None
    model: str = ""
    step_labels: Mapping[str, str] = field(default_factory=dict)
    shows_texts: bool = True
    withheld: Sequence[int] = ()
