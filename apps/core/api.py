"""What all REST views share: pages of results, and errors as problem documents (RFC 9457)."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter
from rest_framework import exceptions
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from apps.core.disk.space import NO_ROOM, is_full

logger = logging.getLogger(__name__)


MAX_PAGE_SIZE = 200
PAGING = [
    OpenApiParameter("page", {"type": "integer", "minimum": 1}),
    OpenApiParameter(
        "page_size",
        {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE},
        description=f"At most {MAX_PAGE_SIZE}",
    ),
]


class Pagination(PageNumberPagination):
    """Pages of results. A page that cannot be is refused, and one beyond the last is not there."""

    page_size_query_param = "page_size"
    max_page_size = MAX_PAGE_SIZE
    last_page_strings = ()

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        limits = {self.page_query_param: 10**9, self.page_size_query_param: self.max_page_size}
        faults = {}
        for name, most in limits.items():
            given = request.query_params.get(name, "1")
            if not (given.isdecimal() and len(given) < 11 and 1 <= int(given) <= most):
                faults[name] = [f"This is a whole number from 1 to {most:,}."]
        if faults:
            raise exceptions.ValidationError(faults)
        return super().paginate_queryset(queryset, request, view)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": parameter.name,
                "in": parameter.location,
                "required": False,
                "schema": parameter.type,
                "description": parameter.description or "A page within the list, from 1",
            }
            for parameter in PAGING
        ]


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
    elif isinstance(error, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        error = Problem(413, "too_large", "The form has more, or larger, fields than are taken.")
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
