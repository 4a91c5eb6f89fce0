"""How likely a text is to a model: `/completions` with `echo`, as vLLM and others answer it.

The model writes nothing: it reads the text and reports how probable each token was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import orjson

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
        data = await self._fetch("/completions", body, limit=MAX_BODY_BYTES)
        return parse_logprobs(data, start=len(context), end=len(prompt))


def parse_logprobs(data: bytes, *, start: int, end: int) -> ReadText:
    """Read the tokens that begin in ``[start, end)``, in characters of the prompt.

    Raises ``ModelError`` unless there is at least one and each has a number.
    """
    try:
        answer = orjson.loads(data)
        reported: dict[str, Any] = answer["choices"][0]["logprobs"]
        pairs = zip(reported["text_offset"], reported["token_logprobs"], strict=True)
        # The very first token of a prompt has no probability: nothing stands before it.
        logprobs = tuple(float(value) for offset, value in pairs if start <= offset < end)
        tokens = int((answer.get("usage") or {}).get("prompt_tokens") or 0)
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise make_error("invalid_response", "It gives no log-probabilities.") from error
    if not logprobs or not all(map(math.isfinite, logprobs)):
        raise make_error("invalid_response", "It gives no log-probabilities.")
    return ReadText(logprobs, tokens)
