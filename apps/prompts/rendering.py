"""The strict renderer: `{{ name }}` and nothing else, and every name must be given."""

from __future__ import annotations

import re
from collections.abc import Mapping

NAME = r"[a-z][a-z0-9_]*"
VARIABLE = re.compile(rf"\{{\{{\s*({NAME})\s*\}}\}}")
OPENING = re.compile(r"\{\{[^\n]{0,24}")


class UnknownVariableError(ValueError):
    """The template uses a variable that has no value."""


def list_variables(template: str) -> set[str]:
    """The names that a template uses."""
    return set(VARIABLE.findall(template))


def find_broken(template: str) -> str:
    """The first `{{` that is no variable, such as a block or a helper; empty if there is none."""
    match = OPENING.search(VARIABLE.sub("", template))
    return match.group().strip() if match else ""


def render(template: str, variables: Mapping[str, str]) -> str:
    """Fill the template. Values are inserted as they are and never read as templates again."""
    missing = list_variables(template) - variables.keys()
    if missing:
        raise UnknownVariableError(f"Unknown variables: {', '.join(sorted(missing))}")
    return VARIABLE.sub(lambda match: variables[match.group(1)], template)
