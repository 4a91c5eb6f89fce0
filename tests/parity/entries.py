"""What people fill in on a page, and what a program sends for the same row.

Texts of several lines end their lines as browsers send them on the page and as programs do on
REST; outer spaces are on both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apps.prompts.defaults import SYSTEM, USER
from apps.retrieval.indexes.builds import throw_away
from apps.retrieval.models import Index
from apps.workspaces.models import ConversationAccess
from apps.workspaces.services import Actor, set_conversation_access
from tests.isolation.house import House

PAGE_TEXT = "  Of two\r\n\r\nlines.  "
REST_TEXT = "  Of two\n\nlines.  "


@dataclass(frozen=True, slots=True)
class Entry:
    """One form with its REST twin. `differs`: columns that are meant to differ, and why.

    `settings.seed` is the key of a column that holds an object.
    """

    name: str
    model: str
    page: str
    form: Callable[[House], dict[str, Any]]
    rest: str
    body: Callable[[House], dict[str, Any]]
    method: str = "post"
    differs: dict[str, str] = field(default_factory=dict)
    many: tuple[str, ...] = ()
    """Relations to several rows that are compared too."""
    prepare: Callable[[House], None] | None = None


def the_draft_is_frozen(house: House) -> str:
    return str(house.assistant.experiments.get().dataset_version_id)


def release_of(house: House) -> str:
    return str(house.assistant.current_id)


def collection(house: House) -> str:
    return str(house.pages["collection_id"])


def endpoint(house: House) -> str:
    return str(house.pages["endpoint_id"])


def live_index(house: House) -> Index:
    return Index.objects.get(collection_id=house.pages["collection_id"], state="live")


def gate(**changes: Any) -> dict[str, Any]:
    return {"metric": "context_recall@k=3", "kind": "at_least", "statistic": "p50"} | changes


EXAMPLE = {"question": "  How long?  ", "tags": "HR, leave", "language": ""}
RECIPE = {"mode": "lexical", "limit": 4, "temperature": 0.5, "max_tokens": 300}
# A box that is not ticked is not sent, so the page says what REST leaves as it is.
RECIPE_PAGE = RECIPE | {"parents": "on", "rewrite": "rules"}
ENDPOINT = {
    "name": "  House  ", "base_url": "http://127.0.0.1:9/v1", "model": "m-8b", "api_key": "s3cret",
    "context_tokens": 16_384, "input_price": "0.5", "output_price": "1.25", "licence": "MIT",
    "requests_per_minute": 60, "size_b": 8.0,
}  # fmt: skip
BAR = {"kappa": 0.4, "count": 12}
OF_KEY = {"created_by_id": "a key is no person"}
OF_NAMED_KEY = OF_KEY | {"key_name": "a person has none"}

OWN = " {{ company }} {{ tone }} {{ plan }}"
"""Values and the step of a prompt, which must be used."""
CHUNKING = {"size": 4, "overlap": 0, "headings": True}
CHUNKING_FORM = {"a-size": "4", "a-overlap": "0", "a-headings": "on"}


def drop_the_gate(house: House) -> None:
    """No release passes it without an experiment."""
    house.assistant.gate_rules.all().delete()


def show_conversations(house: House) -> None:
    """The key that writes is not the one that asked."""
    set_conversation_access(house.workspace, access=ConversationAccess.UNNAMED, actor=Actor())


def end_the_build(house: House) -> None:
    """A collection has one build at a time."""
    throw_away(Index.objects.get(pk=house.pages["index_id"]), actor=Actor())


ENTRIES = (
    Entry(
        "collection", "documents.Collection", "/documents/",
        lambda house: {"name": "  Rules  ", "description": "  What we agreed.  "},
        "/collections/",
        lambda house: {"name": "  Rules  ", "description": "  What we agreed.  "},
    ),
    Entry(
        "dataset", "datasets.Dataset", "/evaluate/datasets/",
        lambda house: {"name": "  Leave  ", "description": "  Of last year.  "},
        "/datasets/",
        lambda house: {"name": "  Leave  ", "description": "  Of last year.  "},
        differs=OF_KEY,
    ),
    Entry(
        "dataset version", "datasets.DatasetVersion", "/evaluate/datasets/{dataset_id}/freeze/",
        lambda house: {"note": "  More of them.  "},
        "/datasets/{dataset_id}/versions/",
        lambda house: {"note": "  More of them.  "},
        differs={"frozen_by_id": "a key is no person", "frozen_at": "a moment later"},
    ),
    Entry(
        "example", "datasets.Example", "/evaluate/datasets/{dataset_id}/examples/new/",
        lambda house: EXAMPLE | {
            "expected_answer": PAGE_TEXT, "other_answers": "25 days\r\nFive weeks\r\n",
            "is_answerable": "on", "context": PAGE_TEXT, "checks": '{"pattern": "2."}',
            "new_passages": "25 days\r\nof leave\r\n\r\nFive weeks",
        },
        "/datasets/{dataset_id}/examples/",
        lambda house: EXAMPLE | {
            "expected_answer": REST_TEXT, "other_answers": ["25 days", "Five weeks"],
            "is_answerable": True, "context": REST_TEXT, "checks": {"pattern": "2."},
            "expected_passages": [{"text": "25 days\nof leave"}, {"text": "Five weeks"}],
            "tags": ["HR", "leave"],
        },
        differs=OF_KEY | {"source_kind": "where it came from", "source_note": "likewise",
                          "key": "every example has its own", "updated_at": "a moment later"},
    ),
    Entry(
        "experiment", "evaluation.Experiment", "/assistants/{assistant_slug}/evaluate/new/",
        lambda house: {
            "name": "  Does it help?  ", "dataset_version": the_draft_is_frozen(house),
            "releases": [release_of(house)], "evaluators": ["context_recall", "token_f1"],
            "set-context_recall-k": "3", "sample_size": 1, "sample_seed": 7, "repeats": 2,
            "parallel": 3, "with_turns": "on", "judge": endpoint(house),
        },
        "/experiments/",
        lambda house: {
            "name": "  Does it help?  ", "assistant": str(house.assistant.pk),
            "dataset": str(house.rest["dataset_id"]), "version": 1, "releases": [1],
            "evaluators": [{"evaluator": "context_recall", "settings": {"k": 3}},
                           {"evaluator": "token_f1"}],
            "sample_size": 1, "sample_seed": 7, "repeats": 2, "parallel": 3, "with_turns": True,
            "judge": endpoint(house),
        },
        differs=OF_KEY, many=("releases",),
    ),
    Entry(
        "gate", "evaluation.GateRule", "/assistants/{assistant_slug}/gates/",
        lambda house: gate(threshold="90", confidence="0.95"),
        "/assistants/{assistant_id}/gates/",
        lambda house: gate(threshold=0.9),
        differs=OF_KEY,
    ),
    Entry(
        "bar of judges", "evaluation.JudgeBar", "/evaluate/judges/",
        lambda house: BAR | {"accuracy": "60"},
        "/judges/bar/",
        lambda house: BAR | {"accuracy": 0.6},
        method="put",
        differs={"changed_by_id": "a key is no person", "changed_at": "a moment later"},
    ),
    Entry(
        "grade", "evaluation.Grade", "/evaluate/experiments/{experiment_id}/grade/",
        lambda house: {"item": str(house.pages["item_id"]), "value": "4"},
        "/experiments/{experiment_id}/grades/",
        lambda house: {"item": str(house.rest["item_id"]), "value": 4},
    ),
    Entry(
        "lab run", "lab.LabRun",
        "/evaluate/lab/measure/?collection={collection_id}&a-mode=lexical&a-rerank=none&a-limit=5"
        "&b-rerank=late",
        lambda house: {"version_id": str(house.assistant.experiments.get().dataset_version.dataset
                                         .versions.get(number=0).pk), "k": 7},
        "/lab/runs/",
        lambda house: {
            "dataset": str(house.rest["dataset_id"]), "version": 0, "k": 7,
            "collections": [collection(house)],
            "profile_a": {"mode": "lexical", "rerank": "none", "limit": 5},
            "profile_b": {"rerank": "late"},
        },
        differs=OF_KEY,
    ),
    Entry(
        "assistant", "assistants.Assistant", "/assistants/new/create/",
        lambda house: {"name": "  Leave desk  ", "collections": [collection(house)]},
        "/assistants/",
        lambda house: {"name": "  Leave desk  ", "collections": [collection(house)]},
        differs={"current_id": "the release that was made with it"},
    ),
    Entry(
        "first release", "assistants.Release", "/assistants/new/create/",
        lambda house: {"name": "  Leave desk  ", "collections": [collection(house)]},
        "/assistants/",
        lambda house: {"name": "  Leave desk  ", "collections": [collection(house)]},
        differs=OF_NAMED_KEY | {"assistant_id": "made with it", "prompt_version_id": "likewise"},
        many=("collections",),
    ),
    Entry(
        "release", "assistants.Release", "/assistants/{assistant_slug}/recipe/",
        lambda house: RECIPE_PAGE | {
            "name": house.assistant.name, "description": "", "example_questions": "",
            "collections": [collection(house)], "endpoint": endpoint(house),
            "system": PAGE_TEXT + SYSTEM, "user": USER, "note": "  Warmer.  ",
            "as_candidate": "on",
        },
        "/assistants/{assistant_id}/releases/",
        lambda house: RECIPE | {
            "collections": [collection(house)], "endpoint": endpoint(house),
            "system": REST_TEXT + SYSTEM, "user": USER, "note": "  Warmer.  ",
        },
        differs=OF_NAMED_KEY | {"prompt_version_id": "made with it"},
        many=("collections",),
    ),
    Entry(
        "prompt of a release", "prompts.PromptVersion", "/assistants/{assistant_slug}/recipe/",
        lambda house: RECIPE_PAGE | {
            "name": house.assistant.name, "collections": [collection(house)], "endpoint": "",
            "system": PAGE_TEXT + SYSTEM, "user": USER, "as_candidate": "on",
        },
        "/assistants/{assistant_id}/releases/",
        lambda house: RECIPE | {
            "collections": [collection(house)], "endpoint": None,
            "system": REST_TEXT + SYSTEM, "user": USER,
        },
        differs=OF_KEY,
    ),
    Entry(
        "how an assistant presents itself", "assistants.Assistant",
        "/assistants/{assistant_slug}/recipe/",
        lambda house: RECIPE_PAGE | {
            "name": "  Desk  ", "description": PAGE_TEXT,
            "example_questions": "How long?\r\n\r\n Who? ", "collections": [collection(house)],
            "endpoint": "", "system": SYSTEM, "user": USER,
        },
        "/assistants/{assistant_id}/",
        lambda house: RECIPE | {
            "name": "  Desk  ", "description": REST_TEXT,
            "example_questions": ["How long?", "Who?"],
            "collections": [collection(house)], "endpoint": None, "system": SYSTEM,
            "user": USER,
        },
        method="patch",
        differs={"current_id": "the release that was made with it"},
        prepare=drop_the_gate,
    ),
    Entry(
        "prompt", "prompts.PromptVersion", "/prompts/new/",
        lambda house: {"name": "  Formal  "},
        "/prompts/",
        lambda house: {"name": "  Formal  ", "system": SYSTEM, "user": USER, "note": "Default"},
        differs=OF_KEY | {"prompt_id": "made with it"},
    ),
    Entry(
        "prompt version", "prompts.PromptVersion", "/prompts/{prompt_id}/versions/1/edit/",
        lambda house: {
            "system": PAGE_TEXT + SYSTEM + OWN, "user": USER, "persona": PAGE_TEXT,
            "values": "company: Acme\r\ntone: kind", "output": "json",
            "schema": '{"type": "object"}', "has_notes": "on", "note": "  Kinder.  ",
            "example_0_question": PAGE_TEXT, "example_0_passages": "",
            "example_0_answer": PAGE_TEXT, "step_0_name": "plan", "step_0_text": PAGE_TEXT,
        },
        "/prompts/{prompt_id}/versions/",
        lambda house: {
            "system": REST_TEXT + SYSTEM + OWN, "user": USER, "persona": REST_TEXT,
            "values": {"company": "Acme", "tone": "kind"}, "output": "json",
            "schema": {"type": "object"}, "has_notes": True, "note": "  Kinder.  ",
            "examples": [{"question": REST_TEXT, "answer": REST_TEXT}],
            "steps": [{"name": "plan", "text": REST_TEXT}],
        },
        differs=OF_KEY,
    ),
    Entry(
        "label", "prompts.PromptLabel", "/prompts/{prompt_id}/versions/1/label/",
        lambda house: {"label": "production"},
        "/prompts/{prompt_id}/labels/production/",
        lambda house: {"version": 1},
        method="put",
        differs={"moved_by_id": "a key is no person", "moved_at": "a moment later"},
    ),
    Entry(
        "endpoint", "gateway.Endpoint", "/settings/models/",
        lambda house: ENDPOINT | {"is_private": "on"},
        "/endpoints/",
        lambda house: ENDPOINT | {"is_private": True},
        differs={"api_key_encrypted": "encrypted anew each time", "checked_at": "a moment later"},
    ),
    Entry(
        "endpoint with nothing but what it takes", "gateway.Endpoint", "/settings/models/",
        lambda house: {"name": "House", "base_url": "http://127.0.0.1:9/v1", "model": "m",
                       "context_tokens": "8192"},
        "/endpoints/",
        lambda house: {"name": "House", "base_url": "http://127.0.0.1:9/v1", "model": "m"},
        differs={"checked_at": "a moment later"},
    ),
    Entry(
        "chunking profile", "chunking.ChunkingProfile",
        "/collections/{collection_id}/chunking/profiles/",
        lambda house: {"name": "  Small  ", "splitter": "sentences", "side": "a"} | CHUNKING_FORM,
        "/chunking/profiles/",
        lambda house: {"name": "  Small  ", "strategy": "sentences", "params": CHUNKING},
    ),
    Entry(
        "chunking profile without a name", "chunking.ChunkingProfile",
        "/collections/{collection_id}/chunking/profiles/",
        lambda house: {"name": "", "splitter": "sentences", "side": "a"} | CHUNKING_FORM,
        "/chunking/profiles/",
        lambda house: {"strategy": "sentences", "params": CHUNKING},
    ),
    Entry(
        "perturbation", "assistants.Probe", "/steadiness/questions/",
        lambda house: {"changed-assistant": house.assistant.slug, "changed-endpoint": "",
                       "changed-questions": "How long?\r\n Who? \r\n"},
        "/probes/perturbation/",
        lambda house: {"assistant": str(house.assistant.pk), "questions": ["How long?", " Who? "]},
        differs=OF_KEY | {"settings.seed": "drawn by chance"},
    ),
    Entry(
        "needle", "assistants.Probe", "/steadiness/needle/",
        lambda house: {"needle-endpoint": "", "needle-lengths": ["500", "1000"],
                       "needle-attempts": "1"},
        "/probes/needle/",
        lambda house: {"endpoint": None, "lengths": [500, 1000], "attempts": 1},
        differs=OF_KEY | {"settings.seed": "drawn by chance"},
    ),
    Entry(
        "feedback", "feedback.Feedback", "/answers/{message_id}/feedback/",
        lambda house: {"rating": "up", "reason": "", "comment": PAGE_TEXT,
                       "correction": PAGE_TEXT},
        "/messages/{message_id}/feedback/",
        lambda house: {"rating": "up", "comment": REST_TEXT, "correction": REST_TEXT},
        differs={
            "message_id": "people rate their answers and keys rate theirs",
            "trace_id": "likewise", "created_by_id": "likewise", "api_key_id": "likewise",
            "updated_at": "a moment later",
        },
        prepare=show_conversations,
    ),
    Entry(
        "what editors may see", "workspaces.Workspace", "/settings/conversations/",
        lambda house: {"access": "without_names"},
        "/workspace/",
        lambda house: {"conversation_access": "without_names"},
        method="patch",
    ),
    Entry(
        "review of a conversation", "feedback.ConversationReview",
        "/conversations/{conversation_id}/review/",
        lambda house: {"state": "open", "note": PAGE_TEXT},
        "/workspace/conversations/{conversation_id}/review/",
        lambda house: {"state": "open", "note": REST_TEXT},
        method="put",
        differs={"conversation_id": "people read theirs and keys theirs",
                 "changed_by_id": "a key is no person", "changed_at": "a moment later"},
        prepare=show_conversations,
    ),
    Entry(
        "index", "retrieval.Index", "/collections/{collection_id}/indexes/",
        lambda house: {
            "profile": live_index(house).profile_id, "model": live_index(house).embedding_model,
            "vector_index": "ivfflat", "precision": "binary", "labels": ["tags", "name"],
            "goes_live": "on",
        },
        "/collections/{collection_id}/indexes/",
        lambda house: {
            "profile": str(live_index(house).profile_id), "vector_index": "ivfflat",
            "precision": "binary", "labels": ["name", "tags"], "goes_live": True,
        },
        differs=OF_KEY, prepare=end_the_build,
    ),
    Entry(
        "fetched document", "documents.Document", "/collections/{collection_id}/fetch/",
        lambda house: {"url": "https://example.com/leave"},
        "/collections/{collection_id}/documents/",
        lambda house: {"url": "https://example.com/leave"},
        differs={"current_id": "made with it"},
    ),
)  # fmt: skip
