"""The strict renderer: `{{ name }}` and nothing else, and every name must be given."""

from __future__ import annotations

import re
from collections.abc import Mapping

VARIABLE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")


class UnknownVariableError(ValueError):
    """The template asks for something that is not there."""


def list_variables(template: str) -> set[str]:
    """The names that a template uses."""
    return set(VARIABLE.findall(template))


def render(template: str, variables: Mapping[str, str]) -> str:
    """Fill the template. Values are inserted as they are and never read as templates again."""
    missing = list_variables(template) - variables.keys()
    if missing:
        raise UnknownVariableError(f"Unknown variables: {', '.join(sorted(missing))}")
    return VARIABLE.sub(lambda match: variables[match.group(1)], template)
