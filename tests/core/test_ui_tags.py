"""The tags and filters that templates use."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from django.db.models import TextChoices
from django.template import Context, Template
from django.test import RequestFactory

from apps.core.models import Job, JobState
from apps.core.states import BADGES
from apps.datasets.models import ReviewState
from apps.documents.models import VersionState
from apps.evaluation.models import ExperimentState
from apps.feedback.models import Rating
from apps.retrieval.models import IndexState


def render(source: str, **context: object) -> BeautifulSoup:
    html = Template("{% load ui %}" + source).render(Context(context))
    return BeautifulSoup(html, "html.parser")


def one(soup: BeautifulSoup, selector: str) -> Tag:
    found = soup.select_one(selector)
    assert found is not None
    return found


def test_icons_are_inline_and_silent() -> None:
    icon = one(render('{% icon "trash" "icon-s" %}'), "svg")
    assert icon["class"] == ["icon", "icon-s"]
    assert icon["aria-hidden"] == "true"


def test_ago_shows_relative_time_and_the_exact_one_on_hover() -> None:
    moment = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    time = one(render("{{ moment|ago }}", moment=moment), "time")
    assert time.text == "2 Jan 2020"
    assert time["title"] == "2 Jan 2020, 03:04:05 UTC"
    assert time["datetime"] == "2020-01-02T03:04:05+00:00"


def test_ago_of_never() -> None:
    assert render("{{ moment|ago }}", moment=None).text == "\u2013"


def test_query_keeps_what_it_does_not_change() -> None:
    request = RequestFactory().get("/x", {"q": "a b", "state": "failed", "page": "3"})
    link = render("{% query page=2 state='' %}", request=request).text
    assert link == "?q=a+b&page=2"


def test_a_state_is_a_badge_with_its_word_and_tone() -> None:
    badge = one(render("{% state name %}", name="failed"), "span")
    assert (badge["class"], badge.text) == (["state", "state-bad"], "Failed")


def test_a_state_takes_other_words_and_counts() -> None:
    own = one(render('{% state "down" reason css="push" %}', reason="Bad <source>"), "span")
    assert (own["class"], own.text) == (["state", "state-bad", "push"], "Bad <source>")
    assert render('{% state "down" "" %}').text == "Not helpful"
    assert render('{% state "proposed" count=1200 %}').text == "1,200 to review"


def test_a_state_that_nobody_has_named_is_shown_as_it_is() -> None:
    badge = one(render("{% state name %}", name="half-way"), "span")
    assert (badge["class"], badge.text) == (["state", "state-off"], "half-way")


@pytest.mark.parametrize(
    "choices", [JobState, ExperimentState, VersionState, ReviewState, IndexState, Rating]
)
def test_every_state_that_pages_show_has_a_badge(choices: type[TextChoices]) -> None:
    assert set(choices.values) <= set(BADGES)


def test_every_tone_has_a_style() -> None:
    css = Path("static/css/components.css").read_text(encoding="utf-8")
    assert {badge.tone for badge in BADGES.values()} == set(re.findall(r"\.state-(\w+) {", css))


@pytest.mark.parametrize(
    ("job", "shown"),
    [
        (None, "Waiting"),
        (Job(state=JobState.RUNNING, done=3, total=8), "3 of 8"),
        (Job(state=JobState.CANCELLED, done=3, total=8), "Stopped"),
        (Job(state=JobState.SUCCEEDED, done=8, total=8), "Done"),
    ],
)
def test_a_job_says_how_far_it_is(job: Job | None, shown: str) -> None:
    assert render("{% job_state job %}", job=job).text == shown


def test_an_empty_place_takes_its_text_from_between_the_tags() -> None:
    soup = render(
        '{% empty_state "trash" title %}None of <b>{{ name }}</b>.{% endempty_state %}',
        title="No <file>",
        name="<x>",
    )
    assert one(soup, "h2").text == "No <file>"
    assert (one(soup, "p").text, one(soup, "b").text) == ("None of <x>.", "<x>")


def test_a_confirmation_posts_to_its_action() -> None:
    soup = render(
        '{% confirm "go" "Delete it?" url "Delete" %}For good.{% endconfirm %}',
        url="/x/",
        csrf_token="t0ken",
    )
    assert one(soup, "dialog#go")["aria-labelledby"] == one(soup, "h2")["id"] == "go-title"
    assert (one(soup, "form")["action"], one(soup, "p").text) == ("/x/", "For good.")
    assert one(soup, "input[name=csrfmiddlewaretoken]")["value"] == "t0ken"
    assert one(soup, "button[type=submit]").text == "Delete"


def test_charts_say_in_words_what_they_show() -> None:
    spark = one(render('{% sparkline values "Answers a day" %}', values=[1, 2]), "svg")
    assert spark["role"] == "img"
    assert spark["aria-label"] == "Answers a day"
    line = render(
        '{% line labels values "Answers" "a day" %}', labels=["Mo", "Tu"], values=[3, None]
    )
    assert [cell.text for cell in line.select("td")] == ["3", "no data"]


def test_a_chart_escapes_its_labels() -> None:
    soup = render('{% bars items "T" %}', items=[{"label": "<script>", "value": 1}])
    assert soup.find("script") is None
    assert "<script>" in one(soup, "text").text


def test_the_waterfall_draws_what_views_give() -> None:
    spans = [
        {"name": "search", "label": "Search", "offset_ms": 0, "duration_ms": 31, "status": "ok"},
        {"name": "checks", "offset_ms": 31, "duration_ms": 2, "status": "error"},
    ]
    soup = render('{% waterfall spans "Steps" %}', spans=spans)
    assert [title.text for title in soup.select("title")] == ["Search: 31 ms", "checks: 2.0 ms"]
    assert [bar["class"] for bar in soup.select("rect")] == [["mark"], ["fault"]]


def test_numbers_have_a_true_minus() -> None:
    assert render("{{ value|floatformat:2|minus }}", value=-0.5).text == "\u22120.50"


def test_values_of_a_trace_are_plain() -> None:
    shown = render("{{ value|plain }}", value=["Search by words", True, False, 6])
    assert shown.text == "Search by words; yes; no; 6"


def test_forms_say_what_is_wrong_in_plain_words() -> None:
    from django import forms

    class Form(forms.Form):
        name = forms.CharField()
        count = forms.IntegerField(min_value=1, max_value=5)

    assert Form({"count": "0"}).errors == {
        "name": ["This is needed."],
        "count": ["At least 1, please."],
    }
    assert Form({"name": "x", "count": "6"}).errors == {"count": ["At most 5, please."]}
