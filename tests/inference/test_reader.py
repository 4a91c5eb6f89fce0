"""The built-in reader on a small handbook: what it quotes, and when it declines."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from inference.fake import HashEmbedder
from inference.minilm.embedder import MiniLMEmbedder
from inference.protocols import Vectors
from inference.reader import MAX_SENTENCES, Passage, Reader, ReaderAnswer
from inference.reader_text import detect_answer_type, match_answer_type, read_words

LEAVE = Passage(
    "leave",
    """# Leave policy

Employees receive 25 days of paid annual leave per calendar year. Unused days expire on 31 March
of the following year. Requests are submitted in the HR portal at least two weeks in advance. The
line manager approves requests within five working days.

## Sick leave

A doctor's note is required from the third day of absence. Call your manager before 9 am on the
first day.""",
    "Employee handbook",
)
EXPENSES = Passage(
    "expenses",
    """# Expenses

Travel expenses are reimbursed within 30 days. Receipts must be uploaded for every item above 25
euros. Hotel rates are capped at 140 euros per night in Germany and 180 euros elsewhere.

| City   | Hotel limit | Meal limit |
|--------|-------------|------------|
| Berlin | 150         | 40         |
| Paris  | 190         | 55         |""",
    "Expense policy",
)
OFFICES = Passage(
    "offices",
    "The office in Hamburg opened in 2015. It was designed by Anna Keller. Visitors register at "
    "the front desk. Parking is free for employees.",
    "Offices",
)
JAPAN = Passage(
    "japan",
    "東京は日本の首都です。人口は約1400万人です。大阪は西日本最大の都市です。",
    "日本",
)
HANDBOOK = (LEAVE, EXPENSES, OFFICES, JAPAN)


@pytest.fixture(scope="module")
def reader(embedder: MiniLMEmbedder) -> Reader:
    return Reader(embedder)


def quote(answer: ReaderAnswer) -> str:
    return " ".join(" ".join(sentence.text.split()) for sentence in answer.sentences)


@pytest.mark.parametrize(
    ("question", "expected", "passage"),
    [
        ("How many days of annual leave do employees get?", "25 days of paid annual leave", LEAVE),
        ("When do unused vacation days expire?", "expire on 31 March", LEAVE),
        ("From which day do I need a doctor's note?", "third day of absence", LEAVE),
        ("Within how many days are travel expenses reimbursed?", "within 30 days", EXPENSES),
        ("What is the hotel limit in Paris?", "| Paris | 190 | 55 |", EXPENSES),
        ("Who designed the Hamburg office?", "designed by Anna Keller", OFFICES),
        ("When did the office in Hamburg open?", "opened in 2015", OFFICES),
        ("東京の人口は？", "人口は約1400万人です。", JAPAN),
    ],
)
def test_answers(reader: Reader, question: str, expected: str, passage: Passage) -> None:
    answer = reader.answer(question, HANDBOOK)
    assert not answer.declined
    assert expected in quote(answer)
    assert 1 <= len(answer.sentences) <= MAX_SENTENCES
    assert HANDBOOK[answer.sentences[0].passage_index] is passage


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of Mongolia?",
        "How do I bake sourdough bread?",
        "Who won the world cup in 1998?",
        "What is the wifi password?",
        "How does photosynthesis work?",
        "鉛筆の価格はいくらですか？",
        "???",
        "",
    ],
)
def test_declines(reader: Reader, question: str) -> None:
    answer = reader.answer(question, HANDBOOK)
    assert answer.declined
    assert answer.sentences == ()
    assert answer.confidence < 0.45


def test_offsets_point_at_the_sentence(reader: Reader) -> None:
    for question in ("When do unused vacation days expire?", "Who designed the Hamburg office?"):
        for sentence in reader.answer(question, HANDBOOK).sentences:
            text = HANDBOOK[sentence.passage_index].text
            assert text[sentence.start : sentence.end] == sentence.text


def test_a_sentence_that_leans_back_comes_with_the_one_before(reader: Reader) -> None:
    answer = reader.answer("Who designed the Hamburg office?", HANDBOOK)
    assert quote(answer).startswith("The office in Hamburg opened in 2015. It was designed by")


@pytest.mark.parametrize(
    "passages", [(), (Passage("empty", ""),), (Passage("heading", "# Only a heading"),)]
)
def test_nothing_to_read(reader: Reader, passages: tuple[Passage, ...]) -> None:
    assert reader.answer("What is the notice period?", passages).declined


def test_the_same_sentence_is_not_quoted_twice(reader: Reader) -> None:
    twins = (OFFICES, Passage("copy", OFFICES.text, "Offices, copy"))
    answer = reader.answer("When did the office in Hamburg open?", twins)
    texts = [sentence.text for sentence in answer.sentences]
    assert len(texts) == len(set(texts))


def test_a_known_question_vector_gives_the_same_answer(
    reader: Reader, embedder: MiniLMEmbedder
) -> None:
    question = "When do unused vacation days expire?"
    vector = embedder.encode_query(question)
    given = reader.answer(question, HANDBOOK, question_vector=vector)
    assert given.sentences == reader.answer(question, HANDBOOK).sentences


def test_works_with_any_embedder() -> None:
    answer = Reader(HashEmbedder()).answer(
        "Unused days expire on what date of the following year?", HANDBOOK
    )
    assert "31 March" in quote(answer)


def test_long_passages_are_embedded_in_one_bounded_call() -> None:
    calls: list[int] = []

    class Counting(HashEmbedder):
        def encode(self, texts: Sequence[str]) -> Vectors:
            calls.append(len(texts))
            return super().encode(texts)

    long = " ".join(f"Item {n} of the warehouse costs {n} euros." for n in range(300))
    Reader(Counting()).answer("What does item 77 cost?", [Passage("long", long)])
    assert len(calls) == 1
    assert calls[0] <= 20


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who wrote it?", "person"),
        ("When did it open?", "time"),
        ("In what year did it open?", "time"),
        ("How many seats are there?", "number"),
        ("Where is the office?", "place"),
        ("Why was it closed?", "reason"),
        ("Is parking free?", "yes_no"),
        ("Describe the process", "other"),
    ],
)
def test_answer_types(question: str, kind: str) -> None:
    assert detect_answer_type(question) == kind


def test_what_the_question_names_is_no_answer_to_it() -> None:
    asked = read_words("Who designed the Hamburg office in 2015?").unique
    assert match_answer_type("person", "The office in Hamburg opened.", question=asked) == -1
    assert match_answer_type("person", "It is by Anna Keller.", question=asked) == 1
    assert match_answer_type("time", "It opened in 2015.", question=asked) == -1
    assert match_answer_type("time", "It opened in 2016.", question=asked) == 1
    assert match_answer_type("other", "Anything.", question=asked) == 0


def test_words_are_stemmed_and_stop_words_left_out() -> None:
    words = read_words("The managers were approving 3 requests of Anna's.")
    assert words.stems == ("manag", "approv", "3", "request", "anna")
    assert words.marked == {"3", "anna"}
    assert read_words("東京都").stems == ("東京", "京都")
