"""What all REST views share: pages of results, and errors as problem documents (RFC 9457)."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions, parsers
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler

from apps.core.disk.space import NO_ROOM, is_full

logger = logging.getLogger(__name__)


class Pagination(PageNumberPagination):
    page_size_query_param = "page_size"
    max_page_size = 200


class JSONParser(parsers.JSONParser):
    """JSON bodies; one that is nested without end is the sender's mistake and not ours."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs)
        except RecursionError as error:
            raise exceptions.ParseError("The JSON is nested too deeply.") from error


class Problem(exceptions.APIException):
    """An error with a status, a short code and a sentence for people."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        self.status_code = status
        super().__init__(detail, code)


TITLES = {
    400: "The request is not valid",
    401: "No valid API key",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    429: "Too many requests",
    503: "Not available at the moment",
    507: "No room left",
}


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn any API error into `application/problem+json`: type, title, status, detail, errors."""
    if isinstance(error, Http404):
        error = exceptions.NotFound("There is nothing here that this key may see.")
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif is_full(error):
        logger.warning("the disk is full: %s", type(error).__name__)
        error = Problem(507, "no_room", NO_ROOM)
    elif isinstance(error, OperationalError | InterfaceError):
        logger.warning("the database is away: %s", type(error).__name__)
        error = Problem(503, "database_away", "The database cannot be reached. Try again soon.")
    response = exception_handler(error, context)
    if response is None or not isinstance(error, exceptions.APIException):
        return response
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(response.status_code, "Error"),
        "status": response.status_code,
    }
    if isinstance(error, exceptions.ValidationError):
        body["detail"] = "Some fields are missing or wrong."
        body["errors"] = error.detail
    else:
        body["detail"] = str(error.detail) if hasattr(error, "detail") else ""
        codes = error.get_codes()
        if isinstance(codes, str):
            body["code"] = codes
    response.data = body
    response.content_type = "application/problem+json"
    return response
