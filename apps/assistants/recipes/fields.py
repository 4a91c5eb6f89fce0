"""The settings of a recipe in the words that people see, declared once.

The page's form, the fields of REST and the words of a diff are all made from these, so a setting
that is declared here is reachable everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from apps.assistants.recipes import sampling
from apps.retrieval.search import profiles
from apps.retrieval.search.profiles import (
    FUSION_LABELS,
    MODE_LABELS,
    QUERY_TRANSFORM_LABELS,
    RERANK_LABELS,
    STEP_ENDPOINTS,
)

Part = Literal["retrieval", "sampling"]
Kind = Literal["choice", "number", "whole", "switch", "text", "lines", "endpoint"]
OWN_MODEL = "The assistant's model"


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of a recipe. `is_more`: folded away, for whoever knows what it does.

    `can_be_empty`: an empty value means something of its own, which `placeholder` says.
    """

    name: str
    part: Part
    label: str
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    placeholder: str = ""
    is_more: bool = False
    can_be_empty: bool = False

    @property
    def kind(self) -> Kind:
        if self.name in STEP_ENDPOINTS:
            return "endpoint"
        if self.choices:
            return "choice"
        if self.name in profiles.SWITCHES:
            return "switch"
        if self.name == "stop":
            return "lines"
        if self.name not in profiles.RANGES | sampling.RANGES:
            return "text"
        return "whole" if self.name in profiles.WHOLE | sampling.WHOLE else "number"

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value of a number."""
        own = profiles.RANGES if self.part == "retrieval" else sampling.RANGES
        return own[self.name]

    @property
    def max_length(self) -> int:
        return profiles.TEXTS[self.name]

    def tell_choice(self, value: object) -> str:
        """The label of a choice; "" for what is none."""
        return dict(self.choices).get(str(value), "") if self.choices else ""


def _transform(name: str, label: str, help_text: str) -> tuple[Setting, Setting]:
    choices = tuple(QUERY_TRANSFORM_LABELS.items())
    return Setting(name, "retrieval", label, help_text, choices), _model(name, label)


def _model(step: str, label: str) -> Setting:
    plain = label.partition(" (")[0]
    return Setting(
        f"{step}_endpoint",
        "retrieval",
        f"{plain}: which model",
        "Asked where the step above is done by a model.",
        placeholder=OWN_MODEL,
        is_more=True,
        can_be_empty=True,
    )


QUESTION = (
    *_transform(
        "rewrite",
        "Complete follow-up questions (query rewriting)",
        "“And for contractors?” is searched for with what was asked before.",
    ),
    *_transform(
        "decompose",
        "Take apart questions with several parts (decomposition)",
        "Each part is searched for by itself.",
    ),
    *_transform(
        "expand",
        "Add related words (query expansion)",
        "By rules: words that the first passages share. By a model: synonyms and technical terms.",
    ),
    Setting(
        "hyde",
        "retrieval",
        "Search with an imagined answer as well (HyDE)",
        "A model writes what the passage might say, and search finds what is like it.",
    ),
    _model("hyde", "Imagined answer"),
)
SEARCH = (
    Setting(
        "mode", "retrieval", "Search by",
        "Words find names and numbers, meaning finds paraphrases; both together are hybrid search.",
        tuple(MODE_LABELS.items()),
    ),
    Setting(
        "filters", "retrieval", "Only documents where (metadata filter)",
        "For example: tag:policy after:2026-01", placeholder="All documents", can_be_empty=True,
    ),
    Setting(
        "fusion", "retrieval", "Join both lists (fusion)", choices=tuple(FUSION_LABELS.items()),
        is_more=True,
    ),
    Setting(
        "vector_weight", "retrieval", "Weight of meaning against words (vector weight)",
        "0 is words only, 1 is meaning only.", placeholder="The question decides", is_more=True,
        can_be_empty=True,
    ),
    Setting(
        "candidates", "retrieval", "Passages looked at before they are put in order (candidates)",
        "At least as many as are given to the model.", is_more=True,
    ),
)  # fmt: skip
ORDER = (
    Setting(
        "rerank", "retrieval", "Put the best passages in order (reranking)",
        "A reranking model is slower and often much better than the order of the search.",
        tuple(RERANK_LABELS.items()),
    ),
    Setting(
        "rerank_endpoint", "retrieval", "Reranking model",
        "An endpoint of this workspace that knows /rerank, such as vLLM or Jina.",
        placeholder="None chosen", can_be_empty=True,
    ),
    Setting(
        "limit", "retrieval", "Passages given to the model",
    ),
    Setting(
        "rerank_depth", "retrieval", "Passages that are read again (reranking depth)", is_more=True,
    ),
    Setting(
        "recency", "retrieval", "Weight of newer documents (recency)",
        "0: age does not count. 1: only age counts.", is_more=True,
    ),
    Setting(
        "half_life_days", "retrieval", "Days until a document counts half (half-life)",
        "Only where newer documents have a weight.", is_more=True,
    ),
    Setting(
        "diversity", "retrieval", "Variety of passages (diversity, MMR)",
        "0: the most relevant, even if they repeat each other.", is_more=True,
    ),
    Setting(
        "neighbours", "retrieval", "Passages read before and after each (neighbours)", is_more=True,
    ),
    Setting(
        "parents", "retrieval", "Read a small passage within the larger one (parents)",
        is_more=True,
    ),
)  # fmt: skip
_OWN = "The server's own"
SAMPLING = (
    Setting(
        "temperature", "sampling", "Temperature",
        "0 is steady, 1 is varied. Helpers of the search are always steady.", placeholder=_OWN,
        can_be_empty=True,
    ),
    Setting(
        "max_tokens", "sampling", "Longest answer, in tokens",
        f"Helpers of the search, such as related words, may always write "
        f"{sampling.QUERIES.max_tokens:,}.",
        placeholder=_OWN, can_be_empty=True,
    ),
    Setting(
        "stop", "sampling", "Stop at these texts (stop sequences)",
        f"One a line, at most {sampling.MAX_STOPS}; \\n stands for the end of a line.",
        is_more=True, can_be_empty=True,
    ),
    Setting(
        "top_p", "sampling", "Share of likely words to choose from (top-p)", placeholder=_OWN,
        is_more=True, can_be_empty=True,
    ),
    Setting(
        "top_k", "sampling", "Number of likely words to choose from (top-k)",
        "For vLLM and other open servers.", placeholder=_OWN, is_more=True, can_be_empty=True,
    ),
    Setting(
        "min_p", "sampling", "Least likelihood beside the likeliest word (min-p)",
        "For vLLM and other open servers.", placeholder=_OWN, is_more=True, can_be_empty=True,
    ),
    Setting(
        "seed", "sampling", "Seed", "The same seed gives the same answer where the server can.",
        placeholder=_OWN, is_more=True, can_be_empty=True,
    ),
    Setting(
        "frequency_penalty", "sampling", "Fewer repeated words (frequency penalty)",
        placeholder=_OWN, is_more=True, can_be_empty=True,
    ),
    Setting(
        "presence_penalty", "sampling", "More new words (presence penalty)", placeholder=_OWN,
        is_more=True, can_be_empty=True,
    ),
    Setting(
        "repetition_penalty", "sampling", "Fewer repetitions (repetition penalty)",
        "1 is none. For vLLM and other open servers.", placeholder=_OWN, is_more=True,
        can_be_empty=True,
    ),
)  # fmt: skip

RETRIEVAL = (*QUESTION, *SEARCH, *ORDER)
SETTINGS = {setting.name: setting for setting in (*RETRIEVAL, *SAMPLING)}
