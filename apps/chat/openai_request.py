"""Chat completion requests as this product reads them, without looking anything up.

Every parameter is honoured or refused by its name: an answer that ignored one would look as if it
had followed it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import orjson

from apps.assistants.answering.pipeline import Turn
from apps.chat.asking.scopes import ScopeChoice
from apps.chat.openai_protocol import RequestError
from apps.retrieval.search.query import MAX_QUESTION
from inference.openai.reasoning import split_reasoning
from inference.types import Sampling

MAX_MESSAGES = 200
MAX_STOPS = 4
MAX_STOP_LENGTH = 200
MAX_INSTRUCTIONS = 16_000

_SYSTEM_ROLES = frozenset({"system", "developer"})
_TEXT_PARTS = frozenset({"text", "input_text", "output_text"})
_READ = frozenset(
    {
        "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens",
        "temperature", "top_p", "seed", "stop", "user", "scope", "conversation",
    }
)  # fmt: skip
_NO_TOOLS = "Assistants have no tools; leave this out."


def _is_empty(value: Any) -> bool:
    return value is None or value in ([], {}, "", "none", "auto")


# Parameters that are refused unless their value asks for nothing: a test for that, and the reason.
_REFUSED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "n": (lambda v: v in (None, 1), "Only one answer is given to a question."),
    "tools": (_is_empty, _NO_TOOLS),
    "tool_choice": (_is_empty, _NO_TOOLS),
    "parallel_tool_calls": (lambda v: v in (None, True, False), _NO_TOOLS),
    "functions": (_is_empty, _NO_TOOLS),
    "function_call": (_is_empty, _NO_TOOLS),
    "response_format": (
        lambda v: v is None or v == {"type": "text"},
        "The form of an answer is part of the assistant's prompt; set it there.",
    ),
    "logprobs": (lambda v: not v, "Probabilities of tokens are not given."),
    "top_logprobs": (lambda v: not v, "Probabilities of tokens are not given."),
    "logit_bias": (lambda v: not v, "Single tokens cannot be weighted."),
    "presence_penalty": (lambda v: not v, "Penalties are not supported."),
    "frequency_penalty": (lambda v: not v, "Penalties are not supported."),
    "modalities": (lambda v: v in (None, ["text"]), "Answers are text."),
    "audio": (_is_empty, "Answers are text."),
    "store": (lambda v: v in (None, True), "Questions and answers are always kept."),
}


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A question to an assistant, with the conversation before it.

    `instructions` are the caller's system messages. Of `sampling` only what the caller set is
    not None; `user` is the caller's own name for whoever asks. `scope` narrows the search and
    `conversation` is one of the key's own to go on with; both are extras of this product.
    """

    model: str
    question: str
    history: list[Turn]
    stream: bool
    include_usage: bool
    instructions: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    user: str = ""
    scope: ScopeChoice | None = None
    conversation: UUID | None = None


def parse_request(data: bytes) -> ChatRequest:
    """Read a chat completion request. Raises RequestError, saying which field is wrong."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, "The request body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise RequestError(400, "The request body must be a JSON object.")
    model, messages = body.get("model"), body.get("messages")
    if not isinstance(model, str) or not model:
        raise RequestError(400, "Name the assistant in 'model'.", param="model")
    _refuse_unsupported(body)
    if not isinstance(messages, list) or not messages:
        raise RequestError(400, "'messages' must be a list with a question.", param="messages")
    if len(messages) > MAX_MESSAGES:
        raise RequestError(400, f"At most {MAX_MESSAGES} messages.", param="messages")
    conversation = [_read_message(message, index) for index, message in enumerate(messages)]
    question, history = _split_turns(conversation)
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise RequestError(400, "'stream_options' must be an object.", param="stream_options")
    return ChatRequest(
        model=model,
        question=question,
        history=history,
        stream=_read_flag(body, "stream"),
        include_usage=bool((options or {}).get("include_usage")),
        instructions=_join_instructions(conversation),
        sampling=_read_sampling(body),
        user=str(body.get("user") or "")[:200],
        scope=_read_scope(body.get("scope")),
        conversation=_read_conversation(body.get("conversation")),
    )


def limit_sampling(own: Sampling, requested: Sampling) -> Sampling:
    """A release's sampling with what a caller set; answers never get longer than the release's."""
    lengths = [n for n in (own.max_tokens, requested.max_tokens) if n is not None]
    return replace(
        own,
        max_tokens=min(lengths) if lengths else None,
        temperature=own.temperature if requested.temperature is None else requested.temperature,
        top_p=own.top_p if requested.top_p is None else requested.top_p,
        seed=own.seed if requested.seed is None else requested.seed,
        stop=requested.stop or own.stop,
    )


def _refuse_unsupported(body: dict[str, Any]) -> None:
    for name, value in body.items():
        if name in _READ:
            continue
        if name not in _REFUSED:
            raise RequestError(
                400, f"There is no parameter '{name}'.", param=name, code="unknown_parameter"
            )
        asks_nothing, reason = _REFUSED[name]
        if not asks_nothing(value):
            raise RequestError(400, f"'{name}': {reason}", param=name, code="unsupported_parameter")


def _read_scope(value: Any) -> ScopeChoice | None:
    """`{"collections": [ids]}` or `{"document": id}`; `{}` is everything, null as before."""
    if value is None:
        return None
    if not isinstance(value, dict) or not set(value) <= {"collections", "document"}:
        raise RequestError(
            400, "'scope' must be an object with 'collections' or 'document'.", param="scope"
        )
    collections, document = value.get("collections") or [], value.get("document") or ""
    if not isinstance(collections, list) or not all(isinstance(pk, str) for pk in collections):
        raise RequestError(
            400, "'scope.collections' must be a list of ids.", param="scope.collections"
        )
    if not isinstance(document, str):
        raise RequestError(400, "'scope.document' must be an id.", param="scope.document")
    return ScopeChoice(collections=collections, document=document)


def _read_conversation(value: Any) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError:
        raise RequestError(
            400, "'conversation' must be the id of a conversation.", param="conversation"
        ) from None


def _read_flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name)
    if value not in (None, True, False):
        raise RequestError(400, f"'{name}' must be true or false.", param=name)
    return bool(value)


def _read_sampling(body: dict[str, Any]) -> Sampling:
    lengths = [
        int(n)
        for name in ("max_tokens", "max_completion_tokens")
        if (n := _read_number(body, name, low=1, high=1_000_000, whole=True)) is not None
    ]
    seed = _read_number(body, "seed", low=-(2**63), high=2**63 - 1, whole=True)
    return Sampling(
        temperature=_read_number(body, "temperature", low=0, high=2),
        top_p=_read_number(body, "top_p", low=0, high=1),
        max_tokens=min(lengths) if lengths else None,
        seed=None if seed is None else int(seed),
        stop=_read_stops(body.get("stop")),
    )


def _read_number(
    body: dict[str, Any], name: str, *, low: float, high: float, whole: bool = False
) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    kinds = int if whole else int | float
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        bounds = f"from {low:g} up" if whole else f"from {low:g} to {high:g}"
        raise RequestError(400, f"'{name}' must be {kind} {bounds}.", param=name)
    return value


def _read_stops(value: Any) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value or []
    good = isinstance(stops, list) and len(stops) <= MAX_STOPS
    if not good or not all(isinstance(s, str) and 0 < len(s) <= MAX_STOP_LENGTH for s in stops):
        raise RequestError(
            400, f"'stop' must be a text, or a list of up to {MAX_STOPS}.", param="stop"
        )
    return tuple(stops)


def _read_message(message: Any, index: int) -> tuple[str, str]:
    where = f"messages[{index}]"
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise RequestError(400, f"{where} must have a 'role' and 'content'.", param=where)
    role = message["role"]
    if role not in _SYSTEM_ROLES | {"user", "assistant"}:
        raise RequestError(400, f"{where}: there is no role '{role}' here.", param=f"{where}.role")
    for name in ("tool_calls", "function_call", "audio"):
        if message.get(name):
            raise RequestError(400, f"{where}.{name}: {_NO_TOOLS}", param=f"{where}.{name}")
    content = message.get("content")
    if isinstance(content, list):
        content = "\n".join(
            _read_part(part, f"{where}.content[{n}]") for n, part in enumerate(content)
        )
    if content is None:
        content = ""
    if not isinstance(content, str):
        raise RequestError(400, f"{where}.content must be text.", param=f"{where}.content")
    return role, content


def _read_part(part: Any, where: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in _TEXT_PARTS or not isinstance(part.get("text"), str):
        raise RequestError(
            400, f"{where}: only text can be read, not '{kind}'.", param=where,
            code="unsupported_content",
        )  # fmt: skip
    return str(part["text"])


def _join_instructions(conversation: Sequence[tuple[str, str]]) -> str:
    text = "\n\n".join(
        content.strip() for role, content in conversation if role in _SYSTEM_ROLES
    ).strip()
    if len(text) > MAX_INSTRUCTIONS:
        raise RequestError(
            400, f"System messages have more than {MAX_INSTRUCTIONS} characters.", param="messages"
        )
    return text


def _split_turns(conversation: Sequence[tuple[str, str]]) -> tuple[str, list[Turn]]:
    """The last user message, and the earlier pairs of question and answer."""
    last = max((i for i, (role, _) in enumerate(conversation) if role == "user"), default=None)
    if last is None or not conversation[last][1].strip():
        raise RequestError(400, "There is no user message with text.", param="messages")
    if any(role == "assistant" for role, _ in conversation[last:]):
        raise RequestError(
            400, "The last message must be the user's; answers cannot be begun for an assistant.",
            param=f"messages[{len(conversation) - 1}]",
        )  # fmt: skip
    if len(conversation[last][1]) > MAX_QUESTION:
        raise RequestError(
            400,
            f"The question has {len(conversation[last][1]):,} characters; {MAX_QUESTION:,} can be "
            "asked at a time. Upload the text as a document and ask about that.",
            param="messages",
            code="context_length_exceeded",
        )
    history: list[Turn] = []
    pending = ""
    for role, content in conversation[:last]:
        if role == "user":
            pending = content
        elif role == "assistant" and pending:
            answer, _ = split_reasoning(content)
            if answer.strip():
                history.append(Turn(pending, answer))
            pending = ""
    return conversation[last][1].strip(), history
