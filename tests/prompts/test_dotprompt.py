"""Prompts as files: the same prompt comes back, and a hostile file does no harm."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.prompts.dotprompt import DotpromptError, PromptFile, dump_dotprompt, parse_dotprompt
from apps.prompts.spec import Example, PromptError, PromptSpec, Step, clean_spec
from tests.prompts.test_spec import FULL, PLAIN

# All of Unicode but surrogates, which are no text, null, which no database keeps, and braces.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00{}"), max_size=80)
FILLED = TEXT.filter(lambda text: clean_spec(PromptSpec(text, "")).system != "")
SPECS = st.builds(
    lambda system, user, persona, examples, value, step, flags, output: PromptSpec(
        system=f"{system} {{{{ own }}}} {{{{ first }}}}",
        user=f"{{{{ passages }}}} {user} {{{{ question }}}}",
        persona=persona,
        examples=tuple(Example(*texts) for texts in examples),
        values={"own": value},
        steps=(Step("first", step),),
        has_notes=flags[0],
        has_critique=flags[1],
        output=output,
        schema={"type": "object", "description": value} if output == "json" else None,
    ),
    TEXT, TEXT, TEXT, st.lists(st.tuples(FILLED, FILLED, TEXT), max_size=2), TEXT, FILLED,
    st.tuples(st.booleans(), st.booleans()), st.sampled_from(["text", "markdown", "json"]),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(spec=SPECS)
def test_what_is_written_is_read_again(spec: PromptSpec) -> None:
    file = PromptFile("desk", "Why: it's 1.0", clean_spec(spec))
    assert parse_dotprompt(dump_dotprompt(file)) == file


@pytest.mark.parametrize("spec", [PLAIN, FULL])
def test_a_file_reads_like_one_that_people_write(spec: PromptSpec) -> None:
    text = dump_dotprompt(PromptFile("desk", "", spec))
    assert text.startswith("---\nname: desk\ninput:\n  schema:\n    passages: string\n")
    assert '\n---\n{{role "system"}}\n' in text
    assert parse_dotprompt(text).spec == spec


BODY = '{{role "system"}}\nBe brief.\n{{role "user"}}\n{{ passages }} {{question}}\n'


def test_a_file_of_another_hand_is_read() -> None:
    text = f"\ufeff---\r\nname: yes\r\noutput: {{format: markdown}}\r\n---\r\n{BODY}"
    file = parse_dotprompt(text)
    # In YAML 1.1 that name were a truth value; we read it as the text that it is.
    assert (file.name, file.spec.output) == ("yes", "markdown")
    assert (file.spec.system, file.spec.user) == ("Be brief.", "{{ passages }} {{question}}")


BOMB = "a: &a [x, x]\n" + "\n".join(f"k{n}: &k{n} [*a, *a]" for n in range(30))


@pytest.mark.parametrize(
    ("front", "words"),
    [
        (BOMB, "Anchors and aliases"),
        ("x: !!python/object/apply:os.system ['true']", "Tags are not supported"),
        ("x: " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("x: [" + "1," * 30_000 + "]", "too large"),
        ("name: a\nname: b", "twice"),
        ("? [a, b]\n: c", "names to values"),
        ("- a\n- b", "names to values"),
        ("name: [", "no YAML in line"),
        ("name: 3", "name must be a text"),
        ("model: gpt-x", "not supported: model"),
        ("output: {format: json, schema: 3}", "must be a JSON Schema"),
        ("output: {form: json}", "format, schema"),
        ("plumbline.examples: {a: b}", "must be a list"),
        ("plumbline.notes: maybe", "true or false"),
        ("<<: {name: x}", "not supported: <<"),
    ],
)
def test_a_hostile_or_foreign_front_is_refused(front: str, words: str) -> None:
    with pytest.raises(DotpromptError, match=words):
        parse_dotprompt(f"---\n{front}\n---\n{BODY}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BODY, "must begin with front matter"),
        ("---\nname: a\n", "must begin with front matter"),
        ("x" * 500_000, "longer than"),
        (f'---\nname: a\n---\n{{{{role "model"}}}}\nx\n{BODY}', "role “model”"),
        (f"---\nname: a\n---\n{BODY}{BODY}", "two system parts"),
    ],
)
def test_a_broken_file_is_refused(text: str, words: str) -> None:
    with pytest.raises(DotpromptError, match=words):
        parse_dotprompt(text)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (BODY.replace("Be brief.", "{{#each x}}"), "not understood"),
        (BODY.replace("{{question}}", ""), "Without {{ question }}"),
        (BODY.replace("Be brief.", "{{ company }}"), "Nothing fills these in: company"),
    ],
)
def test_a_file_with_an_unsound_prompt_says_why(body: str, words: str) -> None:
    with pytest.raises(PromptError, match=words):
        parse_dotprompt(f"---\nname: a\n---\n{body}")


def test_a_declared_variable_needs_a_value() -> None:
    front = "name: a\ninput: {schema: {question: string, company: string}}"
    with pytest.raises(PromptError, match="Nothing gives company a value"):
        parse_dotprompt(f"---\n{front}\n---\n{BODY}")
