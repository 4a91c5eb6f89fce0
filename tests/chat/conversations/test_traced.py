"""The trace of an answer, as people read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from apps.chat.models import Message
from tests.chat.helpers import QUESTION
from tests.chat.test_pages import BASE, Browser, ask_twice

pytestmark = pytest.mark.django_db(transaction=True)


def read(client: Client, answer: Message) -> BeautifulSoup:
    body = client.get(f"{BASE}/traces/{answer.trace_id}/").content
    return BeautifulSoup(body, "html.parser")


def figures(soup: BeautifulSoup) -> dict[str, str]:
    return {
        str(stat.dt.string): stat.dd.get_text(strip=True)
        for stat in soup.select(".stat")
        if stat.dt and stat.dd
    }


def test_the_prompt_is_what_the_model_got_earlier_turns_too(
    desk: Any, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    ask_twice(Browser(owner))
    client = client_for(owner)
    first, second = Message.objects.filter(author="assistant").order_by("created_at")
    soup = read(client, second)
    section = soup.select_one("section[aria-labelledby=prompt-title]")
    assert section
    roles = [heading.string for heading in section.select("details h3")]
    assert roles == ["System", "User", "Assistant", "User"]
    assert [pre.text for pre in section.select("pre")][1:3] == [QUESTION, first.content]
    assert "The messages as the model got them" in section.text
    # An earlier turn that is other than it was is not passed off as what was sent.
    Message.objects.filter(pk=first.pk).update(content="Something else.")
    changed = read(client, second).select_one("section[aria-labelledby=prompt-title]")
    assert changed
    assert "What was sent had another length" in " ".join(changed.text.split())


def test_a_passage_shows_its_first_words(
    desk: Any, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    ask_twice(Browser(owner))
    soup = read(client_for(owner), Message.objects.filter(author="assistant")[0])
    [words] = soup.select(".given .given-words")
    assert "Employees get 20 days of annual leave" in words.text
    assert not words.find_parent("details")


def test_the_built_in_reader_is_named_instead_of_tokens(
    reader_desk: Any, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    ask_twice(Browser(owner))
    soup = read(client_for(owner), Message.objects.filter(author="assistant")[0])
    shown = figures(soup)
    assert (shown["Tokens in"], shown["Tokens out"]) == ("built-in", "built-in")
    assert soup.select_one("section[aria-labelledby=prompt-title]") is None
