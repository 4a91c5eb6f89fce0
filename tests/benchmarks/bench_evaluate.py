"""400 SQuAD questions through an experiment of the product, with the worker killed twice.

    make bench-evaluate      or   python -m tests.benchmarks.bench_evaluate [--kills 2] [--limit N]

The 590 paragraphs are uploaded to an installation of its own, the questions become a dataset, and
an experiment asks the built-in reader all of them. The worker is killed with -9 at random points
of the work. In the end there must be exactly one answer and one score of each kind for every
question. Exact match and F1 are computed a second time here, by the rules of SQuAD 2.0's own
script, and must agree. Ragas scores the same answers beside it, as far as it goes without a model.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import string
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from config.servers import wait_until
from tests.benchmarks.bench_faults import kill_child
from tests.benchmarks.evaluate_peers import compare_with_peers, load_own, load_retrieved
from tests.benchmarks.harness import (
    DATA,
    BenchmarkError,
    Stack,
    await_documents,
    print_table,
    running_stack,
)

SQUAD = DATA / "squad2-pub"
WANTED = (
    "token_f1", "exact_match", "contains", "abstention_accuracy", "citation_precision",
    "citation_recall", "groundedness", "hit_rate", "context_recall", "context_precision", "mrr",
    "map", "edit_similarity", "bleu", "rouge_l",
)  # fmt: skip
TIMEOUT_S = 1800.0


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the sample; `answers` is empty where the documents hold none."""

    text: str
    answers: tuple[str, ...]
    paragraph: str


def read_lines(name: str) -> list[dict[str, Any]]:
    with (SQUAD / name).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def load_questions(limit: int) -> list[Question]:
    """The sample, in its own order."""
    return [
        Question(
            row["question"].strip(),
            tuple(dict.fromkeys(row["answers"])) if row["answerable"] else (),
            row["context_id"],
        )
        for row in read_lines("qa_sample400.jsonl")[:limit]
    ]


def name_of(paragraph: str) -> str:
    """The file that holds a paragraph."""
    return re.sub(r"[^A-Za-z0-9_#-]", "_", paragraph).replace("#", "-") + ".md"


def upload_paragraphs(stack: Stack) -> str:
    """One document for each paragraph; the collection's id when all can be searched."""
    collection = stack.create_collection("SQuAD")
    ids = [
        stack.upload(
            collection,
            name=name_of(row["_id"]),
            content=f"# {row['title']}\n\n{row['text']}\n".encode(),
        )["id"]
        for row in read_lines("corpus.jsonl")
    ]
    states = await_documents(stack, ids, timeout_s=TIMEOUT_S)
    if states != {"ready": len(ids)}:
        raise BenchmarkError(f"Not all paragraphs can be searched: {states}")
    return collection


def must(answer: tuple[int, Any], wanted: int, what: str) -> Any:
    status, body = answer
    if status != wanted:
        raise BenchmarkError(f"{what}: {status} {body!r}")
    return body


def make_dataset(stack: Stack, questions: Sequence[Question]) -> str:
    """The questions as version 1 of a dataset; its id."""
    made = must(stack.call("POST", "datasets/", {"name": "SQuAD sample"}), 201, "Dataset")
    for question in questions:
        body = {
            "question": question.text,
            "expected_answer": question.answers[0] if question.answers else "",
            "other_answers": list(question.answers[1:]),
            "is_answerable": bool(question.answers),
            "expected_passages": [{"document_name": name_of(question.paragraph)}]
            if question.answers
            else [],
            "tags": ["answerable" if question.answers else "unanswerable"],
        }
        must(stack.call("POST", f"datasets/{made['id']}/examples/", body), 201, "Example")
    must(
        stack.call("POST", f"datasets/{made['id']}/versions/", {"note": "Benchmark"}), 201, "Freeze"
    )
    return str(made["id"])


def begin_experiment(stack: Stack, collection: str, dataset: str) -> str:
    """An assistant with the built-in reader, asked everything once; the experiment's id."""
    assistant = must(
        stack.call("POST", "assistants/", {"name": "Reader", "collections": [collection]}),
        201,
        "Assistant",
    )
    known = {row["name"] for row in must(stack.call("GET", "evaluators/"), 200, "Evaluators")}
    body = {
        "name": "SQuAD",
        "assistant": assistant["id"],
        "dataset": dataset,
        "version": 1,
        "releases": [1],
        "evaluators": [{"evaluator": name} for name in WANTED if name in known],
        "parallel": 4,
    }
    made = must(stack.call("POST", "experiments/", body), 201, "Experiment")
    return str(made["id"])


def count_done(stack: Stack, experiment: str) -> int:
    ((count,),) = stack.query(
        "SELECT count(*) FROM evaluation_experimentitem WHERE experiment_id = %s "
        "AND state IN ('answered', 'done')",
        experiment,
    )
    return int(count)


def kill_on_the_way(stack: Stack, experiment: str, *, total: int, kills: int, seed: int) -> None:
    """Kill the worker at random points between the first and the last answers."""
    dice = random.Random(seed)
    marks = sorted(dice.randint(total // 10, total * 8 // 10) for _ in range(kills))
    for mark in marks:

        def reached(mark: int = mark) -> bool:
            time.sleep(0.05)
            return count_done(stack, experiment) >= mark

        if not wait_until(reached, timeout_s=TIMEOUT_S):
            raise BenchmarkError(f"It never got to {mark} answers:\n{stack.log_tail('worker')}")
        done = count_done(stack, experiment)
        pid = kill_child(stack, ["celery", "worker", "--pool"])
        print(f"kill -9 of worker {pid} with {done} of {total} answers stored", flush=True)


def await_experiment(stack: Stack, experiment: str) -> dict[str, Any]:
    state: dict[str, Any] = {}

    def ended() -> bool:
        time.sleep(0.2)
        state.update(must(stack.call("GET", f"experiments/{experiment}/"), 200, "Experiment"))
        return state["state"] not in ("queued", "running")

    if not wait_until(ended, timeout_s=TIMEOUT_S) or state["state"] != "done":
        raise BenchmarkError(f"It did not end well: {state}\n{stack.log_tail('worker')}")
    return state


def check_counts(stack: Stack, experiment: str, *, total: int) -> bool:
    """Exactly one answer, one trace and one score of each kind for every question."""
    queries = {
        "answers": "SELECT count(*) FROM evaluation_experimentitem WHERE experiment_id = %s "
        "AND state = 'done'",
        "questions answered": "SELECT count(DISTINCT example_id) FROM evaluation_experimentitem "
        "WHERE experiment_id = %s AND state = 'done'",
        "traces of these answers": "SELECT count(*) FROM traces_trace t JOIN "
        "evaluation_experimentitem i ON i.id = t.subject_id WHERE i.experiment_id = %s",
        "token F1 scores": "SELECT count(*) FROM evaluation_score WHERE experiment_id = %s "
        "AND metric = 'token_f1'",
    }
    rows: list[tuple[str, ...]] = [("there must be 400 of each" if total == 400 else "", "found")]
    counts = []
    for name, sql in queries.items():
        ((count,),) = stack.query(sql, experiment)
        counts.append(int(count))
        rows.append((name, str(count)))
    ((doubled,),) = stack.query(
        "SELECT count(*) FROM (SELECT item_id, metric, turn FROM evaluation_score "
        "WHERE experiment_id = %s GROUP BY 1, 2, 3 HAVING count(*) > 1) doubled",
        experiment,
    )
    rows.append(("scores that are there twice", str(doubled)))
    print_table(rows)
    return counts == [total] * len(counts) and not doubled


# SQuAD 2.0's own rules, written down again here so that the product's are checked by others.

ARTICLES = re.compile(r"\b(a|an|the)\b")


def squad_tokens(text: str) -> list[str]:
    lowered = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return ARTICLES.sub(" ", lowered).split()


def squad_f1(answer: str, gold: str) -> float:
    found, wanted = squad_tokens(answer), squad_tokens(gold)
    if not found or not wanted:
        return float(found == wanted)
    same = sum((Counter(found) & Counter(wanted)).values())
    if not same:
        return 0.0
    precision, recall = same / len(found), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


def load_answers(stack: Stack, experiment: str) -> dict[str, tuple[str, bool]]:
    """(answer without citations, whether it declined) by question."""
    rows = stack.query(
        "SELECT e.question, i.answer, i.is_declined FROM evaluation_experimentitem i "
        "JOIN datasets_example e ON e.id = i.example_id WHERE i.experiment_id = %s",
        experiment,
    )
    return {
        str(question): (" ".join(re.sub(r"\[\d+\]", "", str(answer)).split()), bool(declined))
        for question, answer, declined in rows
    }


def compute_again(
    questions: Sequence[Question], answers: dict[str, tuple[str, bool]]
) -> dict[str, float]:
    """EM and F1 over all questions, and how often it declined where it should and should not."""
    exact: list[float] = []
    f1: list[float] = []
    right: list[float] = []
    wrongly: list[float] = []
    for question in questions:
        text, declined = answers[question.text]
        said = "" if declined else text
        golds = question.answers or ("",)
        exact.append(max(float(squad_tokens(said) == squad_tokens(gold)) for gold in golds))
        f1.append(max(squad_f1(said, gold) for gold in golds))
        (wrongly if question.answers else right).append(float(declined))
    return {
        "exact_match": sum(exact) / len(exact),
        "token_f1": sum(f1) / len(f1),
        "declined where nothing answers": sum(right) / max(len(right), 1),
        "declined although something answers": sum(wrongly) / max(len(wrongly), 1),
    }


def print_results(stack: Stack, experiment: str, again: dict[str, float]) -> bool:
    """The product's numbers beside ours; whether they agree."""
    rows: list[tuple[str, ...]] = [("metric", "answers", "mean", "95 % bounds", "computed again")]
    agree = True
    for row in must(stack.call("GET", f"experiments/{experiment}/summary/"), 200, "Summary"):
        own = again.get(row["metric"])
        agree &= own is None or abs(own - row["mean"]) < 1e-9
        unit = row["metric"] in ("latency", "first_token")
        shown = [f"{row[k]:.0f} ms" if unit else f"{row[k]:.4f}" for k in ("mean", "low", "high")]
        rows.append(
            (
                row["metric"], str(row["count"]), shown[0], f"{shown[1]} to {shown[2]}",
                "" if own is None else f"{own:.4f}",
            )
        )  # fmt: skip
    print_table(rows)
    for name in ("declined where nothing answers", "declined although something answers"):
        print(f"{name}: {again[name]:.1%}")
    return agree


def make_cases(
    questions: Sequence[Question],
    answers: dict[str, tuple[str, bool]],
    retrieved: dict[str, list[tuple[str, str]]],
) -> list[dict[str, Any]]:
    """The answerable questions as peers take them; who declines says nothing."""
    paragraphs = {row["_id"]: row["text"] for row in read_lines("corpus.jsonl")}
    return [
        {
            "question": question.text,
            "answer": "" if answers[question.text][1] else answers[question.text][0],
            "references": list(question.answers),
            "retrieved": [text for text, _ in retrieved[question.text]],
            "retrieved_ids": [name for _, name in retrieved[question.text]],
            "wanted": [paragraphs[question.paragraph]],
            "wanted_ids": [name_of(question.paragraph)],
        }
        for question in questions
        if question.answers
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--limit", type=int, default=400)
    options = parser.parse_args()
    if not SQUAD.is_dir():
        print(f"Skipped: the questions are not at {SQUAD}.")
        return 0
    questions = load_questions(options.limit)
    with running_stack() as stack:
        collection = upload_paragraphs(stack)
        dataset = make_dataset(stack, questions)
        started = time.perf_counter()
        experiment = begin_experiment(stack, collection, dataset)
        total = len(questions)
        kill_on_the_way(stack, experiment, total=total, kills=options.kills, seed=options.seed)
        await_experiment(stack, experiment)
        seconds = time.perf_counter() - started
        print(
            f"\n{total} questions answered and scored in {seconds:.0f} s, {options.kills} kills "
            f"included: {total / seconds * 60:.0f} a minute\n"
        )
        whole = check_counts(stack, experiment, total=total)
        print()
        answers = load_answers(stack, experiment)
        agree = print_results(stack, experiment, compute_again(questions, answers))
        cases = make_cases(questions, answers, load_retrieved(stack, experiment))
        own = load_own(stack, experiment)
    compare_with_peers(cases, own)
    print("\nnothing lost, nothing doubled" if whole else "\nLOST OR DOUBLED")
    print("EM and F1 agree with SQuAD's rules" if agree else "EM OR F1 DIFFER FROM SQUAD'S RULES")
    return 0 if whole and agree else 1


if __name__ == "__main__":
    sys.exit(main())
