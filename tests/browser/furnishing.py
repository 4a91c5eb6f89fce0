"""A workspace with something on every page of evaluation, prompts and retrieval."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.browser.installation import Installation, Rest
from tests.browser.material import NOTES, QUESTION, RENEWAL

FINISHED = {"done", "failed", "cancelled", "succeeded"}
CASES: tuple[dict[str, Any], ...] = (
    {"question": QUESTION, "expected_answer": RENEWAL, "tags": ["loans"],
     "expected_passages": [{"text": RENEWAL, "document_name": "notes.md"}]},
    {"question": "What does the bookbinding workshop cost?", "expected_answer": "Fifteen euros.",
     "tags": ["workshops"]},
    {"question": "Which planet has the most moons?", "is_answerable": False},
    {"question": "When is the workshop?", "expected_answer": "On Thursdays.", "state": "proposed"},
)  # fmt: skip


def furnish(installation: Installation, owner: str) -> list[str]:
    """Make it by REST alone; returns the addresses of its pages."""
    made = installation.create_workspace("Furnished", owner=owner)
    rest = Rest(installation.url, made["api_key"])
    collection = rest.call("POST", "collections/", {"name": "Notes"})["id"]
    text = f"{NOTES}\n## Loans\n\n{RENEWAL}\n"
    document = rest.upload(collection, name="notes.md", content=text.encode())["id"]
    assert rest.wait_until_ready(document)["state"] == "ready"
    assistant = rest.call("POST", "assistants/", {"name": "Desk", "collections": [collection]})
    rest.call("POST", f"assistants/{assistant['id']}/releases/", {"limit": 2, "note": "Fewer"})
    dataset = _make_dataset(rest)
    experiment = rest.call(
        "POST", "experiments/",
        {"name": "Fewer", "assistant": assistant["id"], "dataset": dataset, "version": 1,
         "releases": [1, 2], "evaluators": [{"evaluator": "token_f1"}]},
    )["id"]  # fmt: skip
    run = rest.call(
        "POST", "lab/runs/",
        {"dataset": dataset, "version": 1, "collections": [collection],
         "profile_b": {"mode": "lexical"}},
    )["id"]  # fmt: skip
    probe = rest.call(
        "POST", "probes/perturbation/", {"assistant": assistant["id"], "questions": [QUESTION]}
    )["id"]
    prompt = _make_prompt(rest)
    _wait(lambda: rest.call("GET", f"experiments/{experiment}/")["state"])
    _wait(lambda: rest.call("GET", f"lab/runs/{run}/")["state"])
    _wait(lambda: rest.call("GET", f"probes/{probe}/")["state"])
    example = rest.call("GET", f"datasets/{dataset}/examples/")["results"][0]["id"]
    item = rest.call("GET", f"experiments/{experiment}/items/")["results"][0]["id"]
    passage = rest.call("GET", f"documents/{document}/passages/")["results"][0]["id"]
    of_dataset, of_experiment = (
        f"evaluate/datasets/{dataset}/", f"evaluate/experiments/{experiment}/",
    )  # fmt: skip
    desk, held = f"assistants/{assistant['slug']}/", f"collections/{collection}/"
    lab = "evaluate/lab/"
    pages = [
        "evaluate/datasets/",
        *[of_dataset + part for part in (
            "", "versions/1/", "versions/1/check/", "import/", "synthesis/", "review/",
            "examples/new/", "annotation/",
        )],
        f"evaluate/examples/{example}/",
        *[of_experiment + part for part in (
            "", "compare/", "analysis/", "arena/", "grade/", f"answers/{item}/",
        )],
        *[desk + part for part in ("releases/", "releases/2/", "evaluate/", "models/")],
        "prompts/", f"prompts/{prompt}/", f"prompts/{prompt}/versions/2/?against=1",
        f"prompts/{prompt}/versions/2/edit/",
        "playground/", "steadiness/", f"steadiness/{probe}/",
        f"{lab}?q=How+often+can+a+loan+be+renewed", f"{lab}measure/", f"{lab}runs/",
        f"{lab}runs/{run}/",
        f"{held}contexts/", f"{held}chunking/", f"passages/{passage}/",
    ]  # fmt: skip
    return [f"/w/{made['slug']}/{page}" for page in pages]


def _make_dataset(rest: Rest) -> str:
    """Three examples in version 1, and one that waits for its review."""
    dataset: str = rest.call("POST", "datasets/", {"name": "What visitors ask"})["id"]
    for case in CASES:
        rest.call("POST", f"datasets/{dataset}/examples/", case)
    rest.call("POST", f"datasets/{dataset}/versions/", {"note": "First"})
    return dataset


def _make_prompt(rest: Rest) -> str:
    """Two versions and a label."""
    text = {"system": "Answer from the passages.", "user": "{{ passages }}\n\n{{ question }}"}
    prompt: str = rest.call("POST", "prompts/", {"name": "Formal", **text})["prompt_id"]
    changed = text | {"system": "Answer from the passages, in one sentence.", "note": "Shorter"}
    rest.call("POST", f"prompts/{prompt}/versions/", changed)
    rest.call("PUT", f"prompts/{prompt}/labels/staging/", {"version": 2})
    return prompt


def _wait(read: Callable[[], str], *, seconds: float = 90.0) -> None:
    """Return when the work is through. Raises TimeoutError."""
    until = time.monotonic() + seconds
    while (state := read()) not in FINISHED:
        if time.monotonic() > until:
            raise TimeoutError(f"It is still {state}.")
        time.sleep(0.3)
