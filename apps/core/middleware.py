"""Middleware of every request, for synchronous and asynchronous handlers alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware

from apps.core.ids import uuid7
from apps.core.logs import correlation_id

Handler = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class KeepingRedirect(HttpResponsePermanentRedirect):
    """To the right address with the method and body of the request."""

    status_code = 308


class SlashMiddleware(CommonMiddleware):
    """Adds a missing last slash. A redirect of 301 would turn a POST into a GET."""

    response_redirect_class = KeepingRedirect


class RequestIdMiddleware:
    """Give each request an id, for the logs and the response's `X-Request-Id`."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self.answer(request)
        identifier = _start()
        response = cast(HttpResponseBase, self.get_response(request))
        return _mark(response, identifier)

    async def answer(self, request: HttpRequest) -> HttpResponseBase:
        identifier = _start()
        response = await cast(Awaitable[HttpResponseBase], self.get_response(request))
        return _mark(response, identifier)


def _start() -> str:
    identifier = uuid7().hex
    correlation_id.set(identifier)
    return identifier


def _mark(response: HttpResponseBase, identifier: str) -> HttpResponseBase:
    response["X-Request-Id"] = identifier
    response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response
