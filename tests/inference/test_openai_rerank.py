"""The reranking client against recorded and broken responses."""

from __future__ import annotations

import json

import pytest

from apps.gateway.addresses import AddressNotAllowedError
from inference.errors import ModelError
from inference.openai.rerank import RerankClient, parse_scores
from tests.inference.conftest import Replay

# As vLLM 0.1x answers for a cross-encoder: best first, not in the order of the documents.
RECORDED = {
    "id": "score-bbf5b8ac05ef71b9",
    "model": "ce",
    "usage": {"prompt_tokens": 34, "total_tokens": 34},
    "results": [
        {"index": 1, "document": {"text": "Paris", "multi_modal": None}, "relevance_score": 0.879},
        {"index": 0, "document": {"text": "Rome", "multi_modal": None}, "relevance_score": 0.402},
    ],
}


def make_http(body: str, status: int = 200) -> bytes:
    return (
        f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body.encode())}\r\n\r\n{body}"
    ).encode()


async def test_scores_come_back_in_the_order_of_the_texts(replay: Replay) -> None:
    server = await replay(make_http(json.dumps(RECORDED)))
    client = RerankClient(server.base_url, model="ce", api_key="sk-1")

    assert await client.rerank("Capital of France?", ["Rome", "Paris"]) == [0.402, 0.879]

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/rerank ")
    assert b"authorization: bearer sk-1" in head.lower()
    assert json.loads(body) == {
        "model": "ce", "query": "Capital of France?", "documents": ["Rome", "Paris"], "top_n": 2,
        "return_documents": False,
    }  # fmt: skip


async def test_nothing_to_rerank_asks_nobody() -> None:
    assert await RerankClient("http://127.0.0.1:9/v1", model="ce").rerank("Q", []) == []


@pytest.mark.parametrize(
    "body",
    [
        "not json", "{}", '{"results": []}', '{"results": [{"index": 0}]}',
        '{"results": [{"index": 0, "relevance_score": NaN}]}',
        '{"results": [{"index": 5, "relevance_score": 1}]}', '{"results": 1}',
    ],
)  # fmt: skip
def test_answers_that_make_no_sense_are_refused(body: str) -> None:
    with pytest.raises(ModelError) as raised:
        parse_scores(body.encode(), count=1)

    assert raised.value.kind == "invalid_response"


async def test_an_error_of_the_server_is_told(replay: Replay) -> None:
    body = '{"error": {"message": "The model `x` does not exist.", "code": 404}}'
    server = await replay(make_http(body, status=404))

    with pytest.raises(ModelError):
        await RerankClient(server.base_url, model="x").rerank("Q", ["a"])


async def test_forbidden_addresses_are_not_called() -> None:
    def refuse(ip: str, port: int) -> None:
        raise AddressNotAllowedError("no")

    client = RerankClient("http://127.0.0.1:9/v1", model="ce", check_address=refuse)

    with pytest.raises(ModelError) as raised:
        await client.rerank("Q", ["a"])
    assert raised.value.kind == "forbidden_address"
