"""Perplexity in an experiment: the release's model reads the expected answer."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest

from apps.assistants.recipes.changes import RecipeChange
from apps.assistants.services import draft_release
from apps.evaluation.models import Experiment
from apps.gateway.services import EndpointFields, save_endpoint
from apps.workspaces.services import Actor
from tests.evaluation.helpers import make_experiment, make_version
from tests.factories import make_answering_assistant
from tests.workers.helpers import run_all

pytestmark = pytest.mark.django_db(transaction=True)
TEXTS = {"leave.md": "# Leave\n\nEmployees get 25 days of annual leave a year."}
CASES: list[dict[str, Any]] = [
    {"question": "How many days of leave do employees get?", "expected_answer": "25 days a year"},
    {"question": "How many days of annual leave are there?"},
]


class ModelServer(ThreadingHTTPServer):
    """Answers chats, and tells that each word of a prompt had a chance of one in four."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tells = True
        self.prompts: list[str] = []

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = cast(ModelServer, self.server)
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/chat/completions":
            message = {"role": "assistant", "content": "25 days [1]."}
            self._answer(200, {"choices": [{"message": message, "finish_reason": "stop"}]})
            return
        server.prompts.append(asked["prompt"])
        if not server.tells:
            self._answer(404, {"detail": "Not Found"})
            return
        offsets, position = [0], 0
        for word in asked["prompt"].split(" ")[:-1]:
            position += len(word)
            offsets.append(position)
            position += 1
        logprobs = {
            "text_offset": offsets,
            "token_logprobs": [None, *[math.log(0.25)] * (len(offsets) - 1)],
        }
        usage = {"prompt_tokens": len(offsets), "completion_tokens": 1}
        self._answer(200, {"choices": [{"logprobs": logprobs}], "usage": usage})

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[ModelServer]:
    made = ModelServer()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


MEASURES = ("perplexity", "cross_entropy", "bits_per_byte")


def run_with(workspace: Any, server: ModelServer, cases: list[dict[str, Any]]) -> Experiment:
    assistant = make_answering_assistant(workspace, TEXTS)
    fields = EndpointFields(
        name="Model", base_url=server.base_url, model="m", api_key="k",
        input_price=Decimal(500_000),
    )  # fmt: skip
    endpoint = save_endpoint(workspace, fields=fields, actor=Actor())
    release = draft_release(assistant, change=RecipeChange(endpoint=endpoint), actor=Actor())
    made = make_experiment(
        assistant, make_version(workspace, cases), [release],
        evaluators=[{"evaluator": name} for name in MEASURES], parallel=1,
    )  # fmt: skip
    run_all()
    made.refresh_from_db()
    assert made.state == "done", made.reason
    return made


def test_the_model_reads_the_expected_answer(workspace: Any, server: ModelServer) -> None:
    experiment = run_with(workspace, server, CASES)
    # The other example expects no answer.
    score = experiment.scores.get(metric="perplexity")
    assert score.item.example.question == CASES[0]["question"]
    # exp(-log(1/4)) over the four words of the answer.
    assert score.value == pytest.approx(4)
    entropy, bits = (experiment.scores.get(metric=name).value for name in MEASURES[1:])
    assert entropy == pytest.approx(math.log(4))
    # Four words of two bits; " 25 days a year" has 15 bytes.
    assert bits == pytest.approx(8 / 15)
    [prompt] = server.prompts
    assert prompt.endswith(f"Question: {CASES[0]['question']}\nAnswer: 25 days a year")
    assert "Employees get 25 days" in prompt
    # Half a dollar for each token that was read, here one a word.
    answers = sum(item.cost for item in experiment.items.all())
    assert experiment.cost - answers == len(prompt.split(" ")) / 2


def test_a_server_that_tells_nothing_is_asked_once(workspace: Any, server: ModelServer) -> None:
    server.tells = False
    experiment = run_with(workspace, server, [case | {"expected_answer": "25"} for case in CASES])
    assert not experiment.scores.exists()
    assert experiment.done == 2
    assert len(server.prompts) == 1
