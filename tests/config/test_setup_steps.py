from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from config import setup_steps
from config.setup_steps import DoneSteps, Step, plan_steps


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small source tree and a data directory beside it."""
    root = tmp_path / "checkout"
    for name in (
        "apps/shop/migrations/0001_initial.py",
        "inference/minilm/graph.py",
        "static/css/base.css",
        "requirements.txt",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("a")
    monkeypatch.setattr(setup_steps, "ROOT", root)
    for name in ("run", "models", "static", "postgres"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data" / "postgres" / "PG_VERSION").write_text("18\n")
    return root


def plan(checkout: Path, *, own_database: bool = True) -> dict[str, Step]:
    data_dir = checkout.parent / "data"
    steps = plan_steps(data_dir, models_dir=data_dir / "models", own_database=own_database)
    return {step.name: step for step in steps}


def done(checkout: Path) -> DoneSteps:
    return DoneSteps(checkout.parent / "data")


def pending(checkout: Path, *, own_database: bool = True) -> set[str]:
    steps = plan(checkout, own_database=own_database)
    return {name for name, step in steps.items() if not done(checkout).covers(step)}


def finish(checkout: Path) -> None:
    for step in plan(checkout).values():
        done(checkout).add(step)


def test_the_first_start_does_everything_and_the_second_nothing(checkout: Path) -> None:
    assert pending(checkout) == {"model", "migrate", "static"}
    finish(checkout)
    assert pending(checkout) == set()


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("apps/shop/migrations/0002_more.py", {"migrate"}),
        ("inference/minilm/graph.py", {"model"}),
        ("static/css/base.css", {"static"}),
        ("requirements.txt", {"migrate", "static"}),
        ("../data/models/minilm/model.onnx", {"model"}),
    ],
)
def test_a_change_calls_for_its_step(checkout: Path, path: str, steps: set[str]) -> None:
    finish(checkout)
    changed = checkout / path
    changed.parent.mkdir(exist_ok=True)
    changed.write_text("something else")
    assert pending(checkout) == steps


def test_a_new_cluster_is_migrated(checkout: Path) -> None:
    finish(checkout)
    cluster = checkout.parent / "data" / "postgres"
    cluster.rename(cluster.with_name("old"))
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("18\n")
    assert pending(checkout) == {"migrate"}


def test_a_database_of_somebody_else_is_migrated_at_every_start(checkout: Path) -> None:
    finish(checkout)
    assert pending(checkout, own_database=False) == {"migrate"}
    done(checkout).add(plan(checkout, own_database=False)["migrate"])
    assert pending(checkout, own_database=False) == {"migrate"}


def test_a_damaged_record_means_doing_it_again(checkout: Path) -> None:
    finish(checkout)
    done(checkout).path.write_text("{")
    assert pending(checkout) == {"model", "migrate", "static"}


def test_one_step_does_not_stand_for_another(checkout: Path) -> None:
    step = plan(checkout)["model"]
    done(checkout).add(step)
    assert not done(checkout).covers(replace(step, name="static"))
