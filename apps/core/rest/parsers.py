"""Reading JSON bodies: what could not be stored, counted or walked is refused before any view."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from django.conf import settings
from rest_framework import exceptions, parsers

from apps.core.text import is_storable

MAX_DEPTH = 64
MAX_INTEGER = 2**63 - 1
UNSTORABLE = "Text has a NUL or half of a surrogate pair, which cannot be stored."


class JSONParser(parsers.JSONParser):
    """JSON of a bounded size and depth whose numbers and texts the database can hold."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            error = exceptions.APIException(
                f"A JSON body has at most {limit // 1_048_576} MB.", "too_large"
            )
            error.status_code = 413
            raise error
        try:
            value = json.loads(
                raw.decode("utf-8"),
                parse_float=_read_float,
                parse_int=_read_integer,
                parse_constant=_refuse_constant,
            )
        except RecursionError:
            raise exceptions.ParseError("The JSON is nested too deeply.") from None
        except ValueError as error:
            raise exceptions.ParseError(f"This is not valid JSON: {error}") from None
        _check(value, MAX_DEPTH)
        return value


def _read_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _read_integer(text: str) -> int:
    number = int(text) if len(text) <= len(str(MAX_INTEGER)) + 1 else MAX_INTEGER + 1
    if abs(number) > MAX_INTEGER:
        raise ValueError("a number is too large")
    return number


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        if not is_storable(value):
            raise exceptions.ParseError(UNSTORABLE)
    elif isinstance(value, list | dict):
        if depth == 0:
            raise exceptions.ParseError("The JSON is nested too deeply.")
        for item in value if isinstance(value, list) else (*value, *value.values()):
            _check(item, depth - 1)
