"""Doors: what a lower app has to ask an upper one, although imports only point down.

The lower app declares the question as a function without an answer, in its `doors.py`:

    @door(answered_by="chat")
    def count_citations(workspace_id: UUID, document_ids: Sequence[UUID]) -> dict[UUID, int]:
        "How many answers cite each document."
        raise NotImplementedError

It calls it like any function. The upper app fills it in its `AppConfig.ready()` with the dotted
path of its answer, which is imported when it is first asked: few processes need all of them. Where
the answer lies in what may not import the door, `settings.DOORS` names it. A system check says at
start which doors are empty, lead nowhere or do not fit; `tests/core/test_doors.py` has mypy compare
the types.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import autodiscover_modules, import_string

if TYPE_CHECKING:
    from apps.core.embedder import EmbeddingChoice
    from inference.protocols import Embedder

P = ParamSpec("P")
R = TypeVar("R")


class DoorError(Exception):
    """A door is empty, filled twice, or unknown."""


class _AnyDoor(Generic[P, R]):
    """What both kinds have in common: a name, a purpose, a signature, and who answers."""

    def __init__(self, question: Callable[P, R], *, answered_by: tuple[str, ...]) -> None:
        app = question.__module__.removeprefix("apps.").removesuffix(".doors")
        self.name = f"{app}.{question.__name__}"
        self.purpose = inspect.getdoc(question) or ""
        self.signature = inspect.signature(question)
        self.answered_by = answered_by
        self._answers: tuple[Callable[P, R] | str, ...] = ()
        self._resolved: tuple[Callable[P, R], ...] | None = None
        DOORS[self.name] = self

    def list_answers(self) -> tuple[Callable[P, R], ...]:
        """The functions that answer. Raises ImportError for one that is not where it should be."""
        if self._resolved is None:
            self._resolved = tuple(
                import_string(answer) if isinstance(answer, str) else answer
                for answer in self._answers
            )
        return self._resolved

    def list_faults(self) -> list[str]:
        """What is wrong with its answers, in sentences."""
        return [fault for answer in self.list_answers() for fault in self._judge(answer)]

    def _judge(self, answer: Callable[P, R]) -> Iterator[str]:
        module, name = answer.__module__, answer.__qualname__
        if module.removeprefix("apps.").partition(".")[0] not in self.answered_by:
            yield f"is answered by {' or '.join(self.answered_by)}, not by {module}.{name}."
        if not fits(answer, self.signature):
            yield f"is called as {self.signature}, which {module}.{name} does not take."

    def _put(self, answers: tuple[Callable[P, R] | str, ...]) -> None:
        self._answers, self._resolved = answers, None

    @contextmanager
    def _replace(self, answers: tuple[Callable[P, R], ...]) -> Iterator[None]:
        before = self._answers
        self._put(answers)
        try:
            yield
        finally:
            self._put(before)


class Door(_AnyDoor[P, R]):
    """A question with exactly one answer. Calling it asks."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return (self._resolved or self.list_answers())[0](*args, **kwargs)

    def fill(self, answer: str) -> None:
        """Let the function at this dotted path answer; it is imported when it is first asked.

        Raises DoorError if another one answers already.
        """
        if self._answers not in ((), (answer,)):
            raise DoorError(f"{self.name} is filled already.")
        self._put((answer,))

    def override(self, answer: Callable[P, R]) -> AbstractContextManager[None]:
        """A context in which this function answers, for tests."""
        return self._replace((answer,))

    def list_answers(self) -> tuple[Callable[P, R], ...]:
        """Its one answer. Raises DoorError if nobody has filled it, ImportError if it is gone."""
        if not self._answers:
            raise DoorError(f"{self.name} is empty: {self.answered_by[0]} should have filled it.")
        return super().list_answers()


class SharedDoor(_AnyDoor[P, R]):
    """A question that any number of functions may answer, or none."""

    def add(self, answer: str) -> None:
        """Let the function at this dotted path answer too; the same one twice is one."""
        if answer not in self._answers:
            self._put((*self._answers, answer))

    def override(self, *answers: Callable[P, R]) -> AbstractContextManager[None]:
        """A context in which only these functions answer, for tests."""
        return self._replace(answers)


DOORS: dict[str, _AnyDoor[Any, Any]] = {}
"""All doors by name, such as `documents.count_citations`."""


def door(*, answered_by: str) -> Callable[[Callable[P, R]], Door[P, R]]:
    """Declare a door by a function without an answer. `answered_by` is an app, or a package."""
    return lambda question: Door(question, answered_by=(answered_by,))


def shared_door(*, answered_by: tuple[str, ...]) -> Callable[[Callable[P, R]], SharedDoor[P, R]]:
    """Declare a door that may have several answers, or none."""
    return lambda question: SharedDoor(question, answered_by=answered_by)


def fits(answer: Callable[..., Any], signature: inspect.Signature) -> bool:
    """Whether a function can be called with all parameters of a signature, however they are given.

    Types are mypy's to check.
    """
    names = list(signature.parameters)
    kinds = {name: parameter.kind for name, parameter in signature.parameters.items()}
    by_name_only = {n for n in names if kinds[n] is inspect.Parameter.KEYWORD_ONLY}
    try:
        target = inspect.signature(answer)
        target.bind(*(n for n in names if n not in by_name_only), **{n: n for n in by_name_only})
        target.bind(**{n: n for n in names})
    except TypeError:
        return False
    return True


def open_doors() -> None:
    """Find the doors of all apps and fill those that the settings name."""
    autodiscover_modules("doors")
    for name, path in settings.DOORS.items():
        known = DOORS.get(name)
        if not isinstance(known, Door):
            raise DoorError(f"settings.DOORS names {name}, and there is no such door.")
        known.fill(path)


@register
def check_doors(**_: Any) -> list[CheckMessage]:
    """The system check: every door is filled with what it can call."""
    messages: list[CheckMessage] = []
    for name, known in DOORS.items():
        try:
            faults = known.list_faults()
        except (DoorError, ImportError) as error:
            messages.append(Error(str(error), hint=known.purpose, obj=name, id="doors.E001"))
            continue
        messages += [Error(f"{name} {fault}", obj=name, id="doors.E002") for fault in faults]
    return messages


@door(answered_by="workers")
def send_jobs(kind: str, job_ids: Sequence[str]) -> None:
    """Wake a worker up for jobs of one kind; a broker that is down is no error."""
    raise NotImplementedError


@door(answered_by="gateway")
def open_embedding_model(name: str) -> Embedder:
    """A model that a workspace has added. Raises `inference.errors.ModelFilesError` without one."""
    raise NotImplementedError


@door(answered_by="gateway")
def list_embedding_models(workspace_id: UUID) -> Sequence[EmbeddingChoice]:
    """The models that a workspace has added, by label."""
    raise NotImplementedError
