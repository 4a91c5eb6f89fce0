"""What the palette offers besides a workspace's own things: its pages and what can be begun.

Each is declared once; the list of keys shows those that have a key.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from apps.workspaces.models import Role


@dataclass(frozen=True, slots=True)
class Place:
    """A page, or a page with a dialog that it opens (`fragment`).

    `words` are other names that people look for it by. `key` opens it after the letter g.
    """

    title: str
    view: str
    icon: str
    words: str = ""
    role: Role = Role.VIEWER
    key: str = ""
    fragment: str = ""

    def address(self, slug: str) -> str:
        suffix = f"#{self.fragment}" if self.fragment else ""
        return reverse(self.view, args=[slug]) + suffix


EDITOR, OWNER = Role.EDITOR, Role.OWNER

ACTIONS = (
    Place("Create assistant", "assistants:list", "plus", "new add make bot", EDITOR,
          fragment="new-assistant"),
    Place("Create collection", "documents:collections", "plus", "new add make folder", EDITOR,
          fragment="new-collection"),
    Place("Upload files", "guide:upload", "arrow-up-tray", "add documents drop import", EDITOR),
    Place("Create dataset", "datasets:list", "plus", "new add make test set", EDITOR,
          fragment="new-dataset"),
    Place("Create prompt", "prompts:list", "plus", "new add make", EDITOR, fragment="new-prompt"),
    Place("Invite a member", "workspaces:members", "user-plus", "add people colleague", OWNER),
    Place("Create API key", "workspaces:keys", "key", "new token secret", EDITOR),
    Place("Connect a model", "gateway:endpoints", "cpu-chip", "add endpoint vllm ollama llm",
          OWNER),
)  # fmt: skip

PAGES = (
    Place("First steps", "guide:start", "flag", "start begin help guide", EDITOR, "s"),
    Place("Assistants", "assistants:list", "chat-bubble-left-right", "chat bots", key="a"),
    Place("Documents", "documents:collections", "document-text", "collections files", key="d"),
    Place("Search", "retrieval:search", "magnifying-glass", "find passages", key="p"),
    Place("Experiments", "evaluation:list", "scale", "evaluate measure", EDITOR, "e"),
    Place("Datasets", "datasets:list", "queue-list", "examples questions evaluate", EDITOR, "q"),
    Place("Retrieval lab", "lab:lab", "beaker", "evaluate search compare", EDITOR, "l"),
    Place("Judges", "evaluation:judges", "scale", "evaluate trust bar", EDITOR),
    Place("Feedback", "feedback:list", "hand-thumb-up", "ratings thumbs", EDITOR, "f"),
    Place("Conversations", "feedback:conversations", "inbox", "team review asked", EDITOR, "c"),
    Place("Prompts", "prompts:list", "document-duplicate", "instructions", EDITOR, "r"),
    Place("Playground", "assistants:playground", "play", "try compare", EDITOR, "y"),
    Place("Steadiness", "assistants:probes", "arrows-right-left", "robustness probes", EDITOR),
    Place("Settings", "workspaces:settings", "adjustments-horizontal", "workspace rename", key="w"),
    Place("Members", "workspaces:members", "users", "people team roles settings", key="m"),
    Place("Models", "gateway:endpoints", "cpu-chip", "endpoints settings", OWNER),
    Place("Embedding models", "gateway:embedding_models", "cpu-chip", "settings vectors", OWNER),
    Place("API keys", "workspaces:keys", "key", "tokens settings", EDITOR, "k"),
    Place("Links in answers", "workspaces:link_hosts", "link", "hosts settings", OWNER),
    Place("Audit log", "workspaces:audit", "clipboard-document-list", "history settings", OWNER),
    Place("Your profile", "workspaces:profile", "user-circle", "name you settings"),
)  # fmt: skip


def list_keys() -> list[Place]:
    """The pages that a key opens."""
    return [place for place in PAGES if place.key]


def match_places(places: Iterable[Place], terms: list[str]) -> list[Place]:
    """Those with all terms in their title or other names; where the title has them, first."""
    lowered = [term.lower() for term in terms]
    fitting = [
        place
        for place in places
        if all(term in f"{place.title} {place.words}".lower() for term in lowered)
    ]
    return sorted(
        fitting, key=lambda place: not all(term in place.title.lower() for term in lowered)
    )
