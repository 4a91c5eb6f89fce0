"""What imports may not do, look-ups through related names may not do either."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.lookups import find_upward, list_uses, walk
from tests.architecture.source import ROOT, parse, python_files, relative
from tests.architecture.test_imports import ALLOWED, UPWARD_KEYS, plant

# (file, path) of look-ups that lead upward, and why they may.
SHOWN_TOGETHER = (
    "an answer is shown with its feedback, which a prefetch reads for a whole conversation at once"
)
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("apps/chat/access.py", "feedback"): SHOWN_TOGETHER,
    ("apps/chat/api.py", "feedback"): SHOWN_TOGETHER,
    ("apps/chat/selectors.py", "feedback"): SHOWN_TOGETHER,
}


def upward_lookups(root: Path) -> dict[tuple[str, str], set[str]]:
    """(file, path) of every look-up that steps into an app which the file must not import."""
    upward: dict[tuple[str, str], set[str]] = {}
    for file in python_files("apps", root=root):
        owner = file.relative_to(root).parts[1]
        for use in list_uses(parse(file)) if owner in ALLOWED else ():
            for app in find_upward(use, owner, ALLOWED):
                if (owner, app) not in UPWARD_KEYS:
                    upward.setdefault((relative(file, root), use.path), set()).add(app)
    return upward


def test_lookups_point_the_way_that_imports_do() -> None:
    upward = upward_lookups(ROOT)
    assert set(upward) == set(EXCEPTIONS), upward


@pytest.mark.parametrize(
    ("file", "line", "path", "app"),
    [
        (
            "apps/documents/a.py",
            "Collection.objects.filter(releases__assistant__current=F('releases__pk'))",
            "releases__assistant__current",
            "assistants",
        ),
        ("apps/documents/a.py", "rows.annotate(n=Count('chunks'))", "chunks", "chunking"),
        ("apps/documents/a.py", "rows.order_by('-releases__number')", "-releases__number",
         "assistants"),
        ("apps/documents/a.py", "rows.filter(**{'chunks__start__gt': 3})", "chunks__start__gt",
         "chunking"),
        ("apps/documents/a.py", "rows.filter(Q(versions__chunks__isnull=True))",
         "versions__chunks__isnull", "chunking"),
        ("apps/documents/a.py", "version.chunks.exists()", "chunks", "chunking"),
        ("apps/chat/a.py", "rows.prefetch_related('question', 'feedback')", "feedback", "feedback"),
        ("apps/documents/a.py", "rows.only(*['name', 'versions__chunks'])", "versions__chunks",
         "chunking"),
    ],
)  # fmt: skip
def test_a_planted_lookup_is_found(
    tmp_path: Path, file: str, line: str, path: str, app: str
) -> None:
    plant(tmp_path, file, line)
    assert upward_lookups(tmp_path)[file, path] == {app}


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("apps/documents/a.py", "rows.filter(collection__name__in=names, workspace=1)"),
        ("apps/documents/a.py", "rows.values('versions__number', 'current__state')"),
        ("apps/assistants/a.py", "Collection.objects.filter(releases__assistant__name='Desk')"),
        ("apps/feedback/a.py", "rows.select_related('message__conversation__assistant')"),
        ("apps/feedback/a.py", "message.feedback.all()"),
        ("apps/documents/a.py", "table.get('releases_of', 3)"),
        ("apps/core/a.py", "Job.objects.filter(workspace__name='Acme')"),  # one of UPWARD_KEYS
    ],
)
def test_what_points_down_is_left_alone(tmp_path: Path, file: str, line: str) -> None:
    plant(tmp_path, file, line)
    assert upward_lookups(tmp_path) == {}


def test_a_path_is_walked_through_the_models() -> None:
    from apps.chat.models import Message
    from apps.documents.models import Collection

    assert walk(Collection, "releases__assistant__name") == [
        "documents", "assistants", "assistants",
    ]  # fmt: skip
    assert walk(Collection, "workspace_id__in") == ["documents"]
    assert walk(Message, "trace__attributes__query") == ["chat", "traces"]
    assert walk(Message, "feedback__rating") == ["chat", "feedback"]
    assert walk(Message, "nonsense__rating") is None
