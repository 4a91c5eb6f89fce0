"""How likely a model finds a given text: `/completions` with `echo`, as vLLM and others answer it.

Nothing is written by the model: it reads the text and says how probable each token was.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from inference.http_reading import read_body
from inference.http_session import get_session
from inference.openai import client
from inference.openai.client import MAX_BODY_BYTES, OpenAIClient
from inference.openai.wire import make_error


@dataclass(frozen=True, slots=True)
class ReadText:
    """Natural logarithms of the probabilities of a text's tokens; the tokens that were read."""

    logprobs: tuple[float, ...]
    input_tokens: int


class LogprobClient(OpenAIClient):
    """One model on one server that tells log-probabilities; made like a chat client."""

    async def read(self, context: str, text: str) -> ReadText:
        """Return the log-probabilities of ``text`` where it follows ``context``.

        Tokens of the context are left out; ``text`` should begin with a space, so that no token
        belongs to both. Raises ``ModelError``, of kind "invalid_response" where the server
        answers without log-probabilities, as many do.
        """
        prompt = context + text
        # One token is asked for because not every server takes none; it lies behind the text.
        body = {
            "model": self._model, "prompt": prompt, "max_tokens": 1, "temperature": 0,
            "echo": True, "logprobs": 1,
        } | self._extra_body  # fmt: skip
        async with self._translate_errors(), asyncio.timeout(self._timeouts.first_token):
            response = await get_session(self._check_address).post(
                f"{self._base_url}/completions",
                data=orjson.dumps(body),
                headers=self._headers,
                allow_redirects=False,
                timeout=self._client_timeout(),
            )
            try:
                data = await self._read_answer(response)
            finally:
                response.release()
        return parse_logprobs(data, start=len(context), end=len(prompt))

    async def _read_answer(self, response: aiohttp.ClientResponse) -> bytes:
        if response.status != 200:
            text = await read_body(response, limit=client.MAX_ERROR_BYTES)
            raise self._explain(response, text)
        return await read_body(response, limit=MAX_BODY_BYTES)


def parse_logprobs(data: bytes, *, start: int, end: int) -> ReadText:
    """Read the tokens that begin in ``[start, end)``, in characters of the prompt.

    Raises ``ModelError`` unless there is at least one and each has a number.
    """
    try:
        answer = orjson.loads(data)
        told: dict[str, Any] = answer["choices"][0]["logprobs"]
        pairs = zip(told["text_offset"], told["token_logprobs"], strict=True)
        # The very first token of a prompt has no probability: nothing stands before it.
        found = tuple(float(value) for offset, value in pairs if start <= offset < end)
        tokens = int((answer.get("usage") or {}).get("prompt_tokens") or 0)
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise make_error("invalid_response", "It gives no log-probabilities.") from error
    if not found or not all(map(math.isfinite, found)):
        raise make_error("invalid_response", "It gives no log-probabilities.")
    return ReadText(found, tokens)
