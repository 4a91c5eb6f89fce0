"""Typed options: what is read from JSON and from typed text, what is refused, what a page shows."""

from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string

from apps.core.options import (
    Option,
    OptionError,
    OptionForm,
    OptionKind,
    list_defaults,
    read_values,
)

SIZE = Option("size", "Size", "whole", 140, "How much.", 20, 1500, unit="words")
SHARE = Option("share", "Share", "number", 0.5)
SWAP = Option("swap", "Both orders", "flag", True)
UNIT = Option(
    "by", "Counted by", "choice", "page", choices=(("page", "Pages"), ("line", "Lines"))
)  # fmt: skip
SCHEMA = Option("schema", "Schema", "json")
PATTERN = Option("pattern", "Pattern", "pattern", "", maximum=10)
ABOUT = Option("about", "Its name", "text", "", maximum=5)
MOST = Option("most", "At most", "whole", minimum=1)


@pytest.mark.parametrize(
    ("option", "value", "kept"),
    [
        (SIZE, 20, 20),
        (SIZE, 1500.0, 1500),
        (SIZE, "21", 21),
        (SIZE, "21.0", 21),
        (SHARE, 1, 1),
        (SHARE, "0,25", 0.25),
        (SWAP, False, False),
        (SWAP, "off", False),
        (SWAP, "Yes", True),
        (UNIT, "line", "line"),
        (SCHEMA, {"a": [1]}, {"a": [1]}),
        (SCHEMA, None, None),
        (MOST, None, None),
        (PATTERN, r"\d+", r"\d+"),
        (ABOUT, "12345", "12345"),
    ],
)
def test_values_are_kept_in_their_type(option: Option, value: Any, kept: Any) -> None:
    read = option.read(value)

    assert read == kept
    assert type(read) is type(kept)


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        (SIZE, 19, "Size must be from 20 to 1500."),
        (SIZE, 20.5, "Size must be a whole number."),
        (SIZE, True, "Size must be a whole number."),
        (SIZE, None, "Size must be a whole number."),
        (SIZE, "many", "Size must be a whole number, not 'many'."),
        (SIZE, [20], "Size must be a whole number."),
        (SHARE, float("nan"), "Share must be a number."),
        (SHARE, "inf", "Share must be a number."),
        (SHARE, {}, "Share must be a number."),
        (SWAP, "maybe", "Both orders must be yes or no."),
        (SWAP, None, "Both orders must be yes or no."),
        (UNIT, "word", "Counted by must be one of page, line."),
        (UNIT, ["page"], "Counted by must be a text."),
        (SCHEMA, 3, "Schema must be a JSON object or a list."),
        (MOST, 0, "At most must be at least 1."),
        (PATTERN, 3, "Pattern must be a text."),
        (PATTERN, "x" * 11, "Pattern must have at most 10 characters."),
        (ABOUT, "123456", "Its name must have at most 5 characters."),
    ],
)
def test_other_values_are_refused_by_name(option: Option, value: Any, sentence: str) -> None:
    with pytest.raises(OptionError) as caught:
        option.read(value)

    assert caught.value.field == option.name
    assert caught.value.errors == {option.name: sentence}
    assert str(caught.value) == sentence


def test_a_broken_pattern_is_refused() -> None:
    with pytest.raises(OptionError, match=r"a regular expression: missing \)"):
        PATTERN.read("(a")


@pytest.mark.parametrize(
    ("option", "value"),
    [(SIZE, 77), (SHARE, 0.25), (SWAP, False), (UNIT, "line"), (SCHEMA, {"ä": [1, None]}),
     (PATTERN, "a|b"), (ABOUT, "it"), (MOST, None)],
)  # fmt: skip
def test_what_a_field_shows_is_read_back(option: Option, value: Any) -> None:
    assert option.parse(option.show(value)) == value


def test_typed_json_must_be_json() -> None:
    with pytest.raises(OptionError, match=r"Schema must be JSON, not '\{'"):
        SCHEMA.parse("{")


@pytest.mark.parametrize(
    ("kind", "more", "message"),
    [
        ("choice", {"default": "a"}, "choices belong"),
        ("text", {"default": "", "choices": (("a", "A"),)}, "choices belong"),
        ("flag", {"default": True, "minimum": 1}, "no bounds"),
        ("whole", {"default": 0, "minimum": 1}, "at least 1"),
        ("pattern", {"default": "("}, "must be a regular expression"),
    ],
)
def test_a_declaration_must_not_contradict_itself(
    kind: OptionKind, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Option("name", "Label", kind, **more)


def test_all_options_are_read_with_every_error_at_once() -> None:
    options = (SIZE, SWAP, MOST)

    assert list_defaults(options) == {"size": 140, "swap": True, "most": None}
    read = read_values(options, {"size": 50}, owner="Words")
    assert read == {"size": 50, "swap": True, "most": None}
    with pytest.raises(OptionError) as caught:
        read_values(options, {"size": 1, "most": -1, "pages": 2}, owner="Words", noun="parameter")
    assert caught.value.errors == {
        "pages": "Words has no parameter pages.",
        "size": "Size must be from 20 to 1500.",
        "most": "At most must be at least 1.",
    }


def test_a_full_form_needs_every_field_and_an_unticked_box_is_a_no() -> None:
    form = OptionForm((SIZE, SWAP, MOST), prefix="a", data={"a-size": "50"})
    assert form.is_valid()
    assert form.values == {"size": 50, "swap": False, "most": None}

    form = OptionForm((SIZE, SWAP), prefix="a", data={"a-swap": "on"})
    assert form.errors == {"size": "Size must be a whole number."}
    assert [field.is_on for field in form.fields()] == [False, True]

    shown = OptionForm((SIZE, SWAP), prefix="a", values={"size": 60})
    assert shown.values == {"size": 60, "swap": True}
    assert [field.text for field in shown.fields()] == ["60", "true"]


def test_in_a_sparse_form_empty_stands_for_the_default() -> None:
    data = {"k-size": " ", "k-swap": "false"}
    form = OptionForm((SIZE, SWAP, MOST), prefix="k", data=data, is_sparse=True)

    assert form.values == {"swap": False}
    size, swap, most = form.fields()
    assert (size.text, size.placeholder, size.is_required) == ("", "140", False)
    assert (swap.text, swap.default_label, swap.choices) == ("false", "yes", (("false", "no"),))
    assert most.placeholder == "none"

    shown = OptionForm(
        (SIZE, SWAP), prefix="k", values={"size": 140, "swap": False}, is_sparse=True
    )
    assert [field.text for field in shown.fields()] == ["", "false"]


def draw(option: Option, *, is_sparse: bool = False, text: str | None = None) -> str:
    """The field's markup, without the space that only its template's lines bring along."""
    data = None if text is None else {f"a-{option.name}": text}
    [field] = OptionForm((option,), prefix="a", data=data, is_sparse=is_sparse).fields()
    page = " ".join(render_to_string("components/option.html", {"field": field}).split())
    return page.replace(" >", ">").replace("> <option", "><option").replace("> </", "></")


def test_a_field_is_drawn_by_its_kind() -> None:
    assert (
        '<label for="id_a-size">Size (words)</label> <input type="number" name="a-size" '
        'value="140" min="20" max="1500" required aria-describedby="id_a-size_helptext" '
        'id="id_a-size"> <p class="hint" id="id_a-size_helptext">How much.</p>'
    ) in draw(SIZE)
    assert 'type="number" name="a-share" value="0.5" step="any" required' in draw(SHARE)
    assert '<input type="checkbox" name="a-swap" id="id_a-swap" checked>' in draw(SWAP)
    assert (
        '<select name="a-swap" id="id_a-swap"><option value="">yes</option>'
        '<option value="false">no</option></select>'
    ) in draw(SWAP, is_sparse=True)
    assert '<option value="line" selected>Lines</option>' in draw(UNIT, text="line")
    assert '<option value="">Pages</option><option value="line">' in draw(UNIT, is_sparse=True)
    assert "<textarea" in draw(SCHEMA)
    assert '<input type="text" name="a-pattern" value="&lt;b&gt;"' in draw(PATTERN, text="<b>")


def test_an_error_is_drawn_with_its_field() -> None:
    page = draw(SIZE, text="7")

    assert 'value="7"' in page
    assert 'aria-describedby="id_a-size_helptext id_a-size_error" aria-invalid="true"' in page
    assert '<p class="field-error" id="id_a-size_error">Size must be from 20 to 1500.' in page
