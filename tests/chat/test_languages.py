"""A Chinese and a Japanese document answer questions in their language: upload, then ask.

With the real embedding model and the built-in reader, by words and by meaning alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.assistants.recipes.changes import RecipeChange
from apps.assistants.services import change_recipe, create_assistant
from apps.core import embedder
from apps.documents.models import Collection
from apps.workspaces.services import Actor
from inference.minilm.build import build_model
from tests.chat.helpers import ask
from tests.workers.helpers import run_all

CHINESE = """# 员工手册

## 年假

全职员工每年享有二十五天带薪年假。未使用的年假可以结转到次年三月三十一日。

## 出差

出差申请由部门经理批准。国内出差优先乘坐火车。

## 设备

笔记本电脑每四年更换一次。丢失的设备必须在二十四小时内报告给信息技术部门。
"""
JAPANESE = """# 就業規則

## 休暇

正社員は毎年二十日間の有給休暇を取得できます。未使用の休暇は翌年三月末まで繰り越せます。

## 経費

出張の費用は帰社後十四日以内に申請してください。承認は部長が行います。

## 在宅勤務

在宅勤務は週に三日まで認められています。希望者は上司に申し出てください。
"""
QUESTIONS = [
    ("zh", "年假有多少天？", "二十五天"),
    ("zh", "出差申请由谁批准？", "部门经理"),
    ("zh", "笔记本电脑多久更换一次？", "每四年"),
    ("ja", "有給休暇は何日取得できますか？", "二十日間"),
    ("ja", "出張の費用はいつまでに申請しますか？", "十四日以内"),
    ("ja", "在宅勤務は週に何日まで認められていますか？", "三日"),
]


@pytest.fixture
def model(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder: Path = tmp_path_factory.getbasetemp().parent / "models"
    build_model(folder)
    settings.EMBEDDER, settings.MODELS_DIR = "minilm", folder
    settings.EMBEDDER_BACKEND = "onnxruntime"
    yield
    embedder._loaded.clear()


@pytest.fixture
def desks(transactional_db: None, model: None, workspace: Any, api: Any) -> dict[str, Any]:
    """An assistant for each language; their documents went the whole way."""
    found = {}
    for language, text in (("zh", CHINESE), ("ja", JAPANESE)):
        body = api.post_json("/api/v1/collections/", {"name": language}).json()
        file = SimpleUploadedFile(f"{language}.md", text.encode(), "text/markdown")
        sent = api.post(f"/api/v1/collections/{body['id']}/documents/", {"file": file})
        assert sent.status_code in (201, 202), sent.content
        collection = Collection.objects.get(pk=body["id"])
        found[language] = create_assistant(
            workspace, name=language, collections=[collection], actor=Actor()
        )
    run_all()
    return found


def test_questions_are_answered_by_words_and_by_meaning(api: Any, desks: dict[str, Any]) -> None:
    for mode in ("hybrid", "lexical", "vector"):
        for desk in desks.values():
            change_recipe(desk, change=RecipeChange(retrieval={"mode": mode}), actor=Actor())
        for language, question, expected in QUESTIONS:
            body = ask(api, desks[language].slug, question).body
            content = body["choices"][0]["message"]["content"]
            assert expected in content, (mode, question, content)
            assert body["citations"], (mode, question)
            assert expected in body["citations"][0]["text"], (mode, question)


def test_the_right_passage_is_found_first(api: Any, desks: dict[str, Any]) -> None:
    for language, question, expected in QUESTIONS:
        collection = Collection.objects.get(name=language)
        asked = {"collection": str(collection.pk), "query": question, "mode": "lexical"}
        first = api.post_json("/api/v1/search/", asked).json()["hits"][0]
        assert expected in first["text"], question
        assert first["why"]["matched_terms"]


def test_what_is_not_there_is_not_answered(api: Any, desks: dict[str, Any]) -> None:
    for language, question in (("zh", "首席执行官叫什么名字？"), ("ja", "社長の名前は何ですか？")):
        body = ask(api, desks[language].slug, question).body
        assert not body["citations"], (question, body["choices"][0]["message"]["content"])
