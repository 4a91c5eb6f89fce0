"""Addresses and REST schema as clients know them. Either changes only on purpose.

After a change that is meant, `python -m tests.architecture.test_contract` records both anew; the
difference then stands in the commit, where its reader can see it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
import yaml

RECORDED = Path(__file__).parent / "contract"


def list_addresses() -> str:
    """Every address of the product, a line each."""
    from django.urls import URLPattern, get_resolver

    def walk(patterns: list[Any], before: str = "") -> Iterator[str]:
        for pattern in patterns:
            route = before + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield route
            else:
                yield from walk(pattern.url_patterns, route)

    return "\n".join(sorted(walk(get_resolver().url_patterns))) + "\n"


def dump_schema() -> str:
    """The OpenAPI schema as YAML with sorted keys."""
    from drf_spectacular.generators import SchemaGenerator

    generator: Any = SchemaGenerator
    schema = json.loads(json.dumps(generator().get_schema(request=None, public=True)))
    return str(yaml.safe_dump(schema, sort_keys=True, allow_unicode=True, width=100))


CONTRACT = {"addresses.txt": list_addresses, "openapi.yaml": dump_schema}


def difference(name: str, now: str) -> str:
    """What the recorded contract and today's do not share, as a unified diff."""
    recorded = (RECORDED / name).read_text(encoding="utf-8")
    lines = difflib.unified_diff(
        recorded.splitlines(), now.splitlines(), "recorded", "now", lineterm="", n=2
    )
    return "\n".join(lines)


@pytest.mark.parametrize("name", CONTRACT)
def test_clients_find_what_they_know(name: str) -> None:
    changed = difference(name, CONTRACT[name]())
    assert not changed, f"{name} is not as recorded:\n{changed}"


def test_a_planted_change_is_printed() -> None:
    recorded = (RECORDED / "addresses.txt").read_text(encoding="utf-8")
    assert "+api/v1/planted/" in difference("addresses.txt", recorded + "api/v1/planted/\n")
    assert "-healthz" in difference("addresses.txt", recorded.replace("healthz\n", ""))


if __name__ == "__main__":
    django.setup()
    for file_name, describe in CONTRACT.items():
        (RECORDED / file_name).write_text(describe(), encoding="utf-8")
