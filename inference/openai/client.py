"""Streaming client for any OpenAI-compatible model server: vLLM, Ollama, hosted services."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from inference.errors import ModelError
from inference.http_reading import Watchdog, drain, read_body
from inference.http_session import (
    AddressCheck,
    AddressRefusedError,
    get_session,
    open_session,
)
from inference.openai.stream import StreamDecoder
from inference.openai.wire import (
    adapt_request,
    encode_request,
    explain_event,
    explain_status,
    make_error,
    parse_completion,
    parse_model_ids,
    parse_served_model,
)
from inference.types import ChatDelta, ChatMessage, EndpointCheck, Sampling

MAX_STREAM_BYTES = 64 << 20
MAX_BODY_BYTES = 8 << 20
MAX_ERROR_BYTES = 64 << 10

RETRIES = 2
RETRIED_KINDS = frozenset({"unreachable", "overloaded", "rate_limited"})
RETRY_BASE_SECONDS = 0.15
MAX_RETRY_AFTER_SECONDS = 5.0
MAX_ADAPTATIONS = 3


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Patience in seconds: to connect, to the first token, and between two tokens."""

    connect: float = 5.0
    first_token: float = 60.0
    between_tokens: float = 30.0


class OpenAIClient:
    """One model on one server. Cheap to make: connections are shared by all clients of a loop."""

    def __init__(
        self,
        base_url: str,
        *,
        model: str,
        api_key: str | None = None,
        timeouts: Timeouts | None = None,
        check_address: AddressCheck | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        """Take the address up to and including ``/v1``; raises ``ValueError`` on a bad one.

        ``check_address(ip, port)`` is called before every connection and may raise to forbid it;
        pass a module-level function, for each distinct one keeps connections of its own.
        ``extra_body`` is added to every request.
        """
        self._base_url = _check_base_url(base_url)
        self._model = model
        self._api_key = api_key or None
        self._timeouts = timeouts or Timeouts()
        self._check_address = check_address
        self._extra_body = dict(extra_body or {})
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if self._api_key:
            self._headers["Authorization"] = f"Bearer {self._api_key}"

    async def stream(
        self, messages: Sequence[ChatMessage], *, sampling: Sampling
    ) -> AsyncGenerator[ChatDelta, None]:
        """Yield the answer as it arrives; pieces that arrive together are one delta.

        Raises ``ModelError``; of kind "interrupted" once text was yielded. Failures before that
        are retried twice where waiting can help. Use ``contextlib.aclosing`` when leaving early:
        closing ends the request at once.
        """
        body = encode_request(self._model, messages, sampling=sampling, stream=True)
        body |= self._extra_body
        for attempt in range(RETRIES + 1):
            started = False
            try:
                async with self._open(get_session(self._check_address), body) as response:
                    if response.content_type == "application/json":  # it does not stream
                        yield await self._read_completion(response)
                        return
                    with _StreamReading(response.content, self._timeouts) as reading:
                        while (delta := await reading.next()) is not None:
                            started = started or bool(delta.text)
                            yield delta
                    reading.check_end(secret=self._api_key)
                    await drain(response.content)
                return
            except ModelError as error:
                if started or attempt == RETRIES or not may_retry(error):
                    raise
                delay = retry_delay(error, attempt)
            await asyncio.sleep(delay)

    async def list_models(self) -> list[str]:
        """Return the ids of the models the server offers; raises ``ModelError``."""
        async with open_session(self._check_address) as session:
            request = session.get(
                f"{self._base_url}/models",
                headers=self._headers,
                allow_redirects=False,
                timeout=self._client_timeout(),
            )
            limit = asyncio.timeout(self._timeouts.first_token)
            async with self._translate_errors(), limit, request as response:
                if response.status != 200:
                    raise self._explain(response, await _read_error_body(response))
                return parse_model_ids(await read_body(response, limit=MAX_BODY_BYTES))

    async def check(self) -> EndpointCheck:
        """Ask for one token and time it; raises ``ModelError`` saying what is wrong."""
        messages = [ChatMessage("user", "Reply with OK.")]
        body = encode_request(self._model, messages, sampling=Sampling(max_tokens=1), stream=False)
        started = time.perf_counter()
        async with (
            open_session(self._check_address) as session,
            self._open(session, body | self._extra_body) as response,
        ):
            data = await self._read_whole(response)
        parse_completion(data)
        latency_ms = (time.perf_counter() - started) * 1000
        return EndpointCheck(latency_ms, parse_served_model(data) or self._model)

    async def _fetch(
        self, path: str, body: dict[str, Any], *, limit: int, seconds: float | None = None
    ) -> bytes:
        """Post ``body`` and return the answer, of at most ``limit`` bytes; raises ``ModelError``.

        It may take ``seconds``, or as long as the first token may.
        """
        patience = self._timeouts.first_token if seconds is None else seconds
        async with self._translate_errors(), asyncio.timeout(patience):
            response = await get_session(self._check_address).post(
                f"{self._base_url}{path}",
                data=orjson.dumps(body),
                headers=self._headers,
                allow_redirects=False,
                timeout=self._client_timeout(),
            )
            try:
                if response.status != 200:
                    text = await read_body(response, limit=MAX_ERROR_BYTES)
                    raise self._explain(response, text)
                return await read_body(response, limit=limit)
            finally:
                response.release()

    async def _read_whole(self, response: aiohttp.ClientResponse) -> bytes:
        async with self._translate_errors(), asyncio.timeout(self._timeouts.first_token):
            return await read_body(response, limit=MAX_BODY_BYTES)

    async def _read_completion(self, response: aiohttp.ClientResponse) -> ChatDelta:
        return parse_completion(await self._read_whole(response))

    @asynccontextmanager
    async def _open(
        self, session: aiohttp.ClientSession, body: dict[str, Any]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send the request and hold its successful response, whose headers have arrived."""
        async with self._translate_errors(), asyncio.timeout(self._timeouts.first_token):
            response = await self._post(session, body)
        try:
            yield response
        finally:
            if response.content.at_eof():
                response.release()
            else:
                response.close()  # tells the server to stop writing

    async def _post(
        self, session: aiohttp.ClientSession, body: dict[str, Any]
    ) -> aiohttp.ClientResponse:
        for adaptation in range(MAX_ADAPTATIONS + 1):
            response = await session.post(
                f"{self._base_url}/chat/completions",
                data=orjson.dumps(body),
                headers=self._headers,
                allow_redirects=False,
                timeout=self._client_timeout(),
            )
            if response.status == 200:
                return response
            text = await _read_error_body(response)
            adapted = adapt_request(body, status=response.status, response=text)
            if adapted is None or adaptation == MAX_ADAPTATIONS:
                break
            body = adapted
        raise self._explain(response, text)

    def _explain(self, response: aiohttp.ClientResponse, body: bytes) -> ModelError:
        retry_after = _parse_retry_after(response.headers.get("Retry-After"))
        return explain_status(response.status, body, secret=self._api_key, retry_after=retry_after)

    @asynccontextmanager
    async def _translate_errors(self) -> AsyncIterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise make_error("timeout") from error
        except aiohttp.ClientConnectorError as error:
            if _is_refusal(error.os_error):
                raise make_error("forbidden_address") from error
            raise make_error("unreachable", _describe_connect_error(error)) from error
        except (aiohttp.ClientResponseError, aiohttp.ClientPayloadError) as error:
            raise make_error("invalid_response") from error
        except (aiohttp.ClientError, OSError) as error:
            raise make_error("unreachable") from error

    def _client_timeout(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=None, sock_connect=self._timeouts.connect)


class _StreamReading:
    """A response on its way: patience, size and outcome of one stream."""

    def __init__(self, content: aiohttp.StreamReader, timeouts: Timeouts) -> None:
        self._content = content
        self._decoder = StreamDecoder()
        self._between_tokens = timeouts.between_tokens
        self._watchdog = Watchdog(content)
        self._first_token = timeouts.first_token
        self._speaking = False
        self._received = 0

    def __enter__(self) -> _StreamReading:
        self._watchdog.restart(patience=self._first_token)
        return self

    def __exit__(self, *_: object) -> None:
        self._watchdog.stop()

    async def next(self) -> ChatDelta | None:
        """Return the next delta, or ``None`` at the end; raises ``ModelError``."""
        decoder, watchdog = self._decoder, self._watchdog
        while not decoder.done:
            if watchdog.waiting_since is None:
                watchdog.waiting_since = watchdog.now()
            try:
                data = await self._content.readany()
            except TimeoutError as error:
                raise _as_interruption(make_error("timeout"), decoder) from error
            except (aiohttp.ClientError, OSError) as error:
                lost = make_error("unreachable", "It closed the connection.")
                raise _as_interruption(lost, decoder) from error
            if not data:
                decoder.done = True
                return decoder.finish()
            self._received += len(data)
            if self._received > MAX_STREAM_BYTES:
                raise make_error("invalid_response", "The answer is too large.")
            delta = decoder.feed(data)
            if decoder.speaking:  # until then, signs of life do not count as a token
                watchdog.waiting_since = None
                if not self._speaking:
                    self._speaking = True
                    watchdog.restart(patience=self._between_tokens)
            if delta is not None:
                return delta
        return None

    def check_end(self, *, secret: str | None) -> None:
        """Raise ``ModelError`` unless the stream came to a proper end."""
        decoder = self._decoder
        if decoder.error is not None:
            raise _as_interruption(explain_event(decoder.error, secret=secret), decoder)
        if decoder.complete or decoder.finish_reason is not None:
            return
        if not decoder.understood:
            raise make_error("invalid_response")
        raise make_error("interrupted")


def _check_base_url(base_url: str) -> str:
    parts = urlsplit(base_url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("The address must begin with http:// or https:// and name a server.")
    if parts.username or parts.password:
        raise ValueError("The address must not contain a user name or password.")
    if parts.query or parts.fragment:
        raise ValueError("The address must not contain a query or fragment.")
    address = base_url.strip().rstrip("/")
    return address.removesuffix("/chat/completions").removesuffix("/embeddings")


async def _read_error_body(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await read_body(response, limit=MAX_ERROR_BYTES)
    except ModelError:
        return b""  # the status alone must do
    finally:
        response.close()


def _as_interruption(error: ModelError, decoder: StreamDecoder) -> ModelError:
    """Once the model has begun to write, every failure is an interruption."""
    if not decoder.speaking:
        return error
    return make_error("interrupted", error.message)


def may_retry(error: ModelError) -> bool:
    """Whether the same request may work in a moment."""
    too_late = (error.retry_after or 0) > MAX_RETRY_AFTER_SECONDS
    return error.kind in RETRIED_KINDS and error.retryable and not too_late


def retry_delay(error: ModelError, attempt: int) -> float:
    """Seconds to wait: at least what the server asked for, never in step with other clients."""
    backoff = RETRY_BASE_SECONDS * (1 << attempt)
    jitter: float = random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, guards nothing
    return (error.retry_after or 0.0) + backoff * jitter


def _parse_retry_after(value: str | None) -> float | None:
    """Read the header's seconds; the rare date form counts as absent."""
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        return None


def _is_refusal(error: OSError) -> bool:
    return isinstance(error, AddressRefusedError) or "address refused" in str(error)


def _describe_connect_error(error: aiohttp.ClientConnectorError) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "Its name is not known."
    if isinstance(error, aiohttp.ClientSSLError):
        return "Its certificate is not valid or it does not speak HTTPS."
    if isinstance(error.os_error, ConnectionRefusedError):
        return "Nothing listens at this address."
    return ""
