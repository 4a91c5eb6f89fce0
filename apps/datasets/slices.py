"""The slices by which results are broken down: tag, length, source, language. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from apps.datasets.languages import language_name
from apps.datasets.models import Example, SourceKind

SHORT_CHARS = 40
LONG_CHARS = 120
LENGTHS = {
    "short": f"Short (under {SHORT_CHARS} characters)",
    "medium": f"Medium ({SHORT_CHARS} to {LONG_CHARS})",
    "long": f"Long (over {LONG_CHARS})",
}
DIMENSIONS = {
    "tag": "Tag",
    "length": "Length of the question",
    "source": "Source",
    "language": "Language",
    "answerable": "Answerable",
}


@dataclass(frozen=True, slots=True, order=True)
class Slice:
    """One value of one dimension, such as language = de."""

    dimension: str
    value: str

    @property
    def label(self) -> str:
        """The value as people read it."""
        if self.dimension == "language":
            return language_name(self.value)
        if self.dimension == "source":
            return str(SourceKind(self.value).label)
        if self.dimension == "length":
            return LENGTHS[self.value]
        if self.dimension == "answerable":
            return "In the documents" if self.value == "yes" else "Not in the documents"
        return self.value


def length_of(question: str) -> str:
    """`short`, `medium` or `long`."""
    if len(question) < SHORT_CHARS:
        return "short"
    return "medium" if len(question) <= LONG_CHARS else "long"


def slices_of(example: Example) -> list[Slice]:
    """Every slice that an example belongs to."""
    return [
        *(Slice("tag", tag) for tag in example.tags),
        Slice("length", length_of(example.question)),
        Slice("source", example.source_kind),
        Slice("language", example.language),
        Slice("answerable", "yes" if example.is_answerable else "no"),
    ]
