"""IFEval-style checks, the languages that they tell apart, and the whole evaluator."""

from __future__ import annotations

from typing import Any

import pytest

from measures.detectors.language import detect_language
from measures.evaluators.base import Observation, Tools
from measures.evaluators.instructions import CHECKS, check_instruction, check_loosely
from measures.evaluators.registry import score

CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("keywords:existence", {"keywords": ["cat", "mat"]}, "A Cat on a mat", "a cat"),
    (
        "keywords:frequency", {"keyword": "no", "relation": "less than", "frequency": 2},
        "No.", "No no",
    ),
    ("keywords:forbidden_words", {"forbidden_words": ["cat"]}, "a category", "A cat!"),
    (
        "keywords:letter_frequency",
        {"letter": "A", "let_relation": "at least", "let_frequency": 2},
        "Banana", "ban",
    ),
    (
        "language:response_language", {"language": "de"},
        "Das ist nicht der Weg, den wir gehen.", "This is not the way that we go.",
    ),
    (
        "length_constraints:number_sentences", {"relation": "less than", "num_sentences": 3},
        "One is here. Two is there.", "One is here. Two is there. Three is not.",
    ),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n***\nb", "a\n***\n***\nb"),
    ("length_constraints:number_words", {"relation": "at least", "num_words": 3}, "a b-c", "a b"),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Weekend"},
        "One.\n\n\"weekend, at last", "weekend\n\nTwo",
    ),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[a] and [b]", "[a] (b)"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye\np. s. More", "Bye, PS"),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "P.P.S. More", "P.S. More"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* a\n- b", "* a\n**b**"),
    ("detectable_format:constrained_response", {}, "My answer is no.", "No."),
    (
        "detectable_format:number_highlighted_sections", {"num_highlights": 2},
        "*one* and **two**", "*one* and * *",
    ),
    (
        "detectable_format:multiple_sections", {"section_spliter": "Day", "num_sections": 2},
        "Day 1\na\nDay 2\nb", "Day 1\na\nday 2",
    ),
    ("detectable_format:json_format", {}, '```json\n{"a": 1}\n```', "{a: 1}"),
    ("detectable_format:title", {}, "<<poem of joy>>\nRoses", "<< >>\nRoses"),
    ("combination:two_responses", {}, "One\n******\nTwo", "Same\n******\nSame"),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say hi."}, " say HI. Hi!", "Hi! Say hi."),
    ("startend:end_checker", {"end_phrase": "The end."}, 'So, the END."', "The end. Or not"),
    ("startend:quotation", {}, ' "quoted" ', '"half'),
    (
        "change_case:capital_word_frequency",
        {"capital_relation": "less than", "capital_frequency": 2},
        "NASA flies", "NASA and ESA",
    ),
    ("change_case:english_capital", {}, "THIS IS THE WAY", "This is the way"),
    ("change_case:english_capital", {}, "THIS IS THE WAY", "DAS IST NICHT DER WEG, DEN WIR GEHEN"),
    ("change_case:english_lowercase", {}, "this is the way", "This is the way"),
    ("punctuation:no_comma", {}, "One; two", "One, two"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "arguments", "good", "bad"), CASES)
def test_a_check_takes_what_follows_and_refuses_what_does_not(
    kind: str, arguments: dict[str, Any], good: str, bad: str
) -> None:
    assert check_instruction(kind, good, arguments)
    assert not check_instruction(kind, bad, arguments)
    assert not check_instruction(kind, "  ", arguments)


def test_all_kinds_of_ifeval_are_there_and_tested() -> None:
    assert len(CHECKS) == 25
    assert {case[0] for case in CASES} == set(CHECKS)


def test_keywords_are_no_patterns() -> None:
    frequency = {"keyword": "(a+)+$", "frequency": 1, "relation": "at least"}
    assert not check_instruction("keywords:frequency", "aaaa", frequency)
    assert check_instruction("keywords:forbidden_words", "abc", {"forbidden_words": ["a.c", "["]})


def test_the_loose_criterion_looks_past_the_frame() -> None:
    wrapped = "Sure, here it is:\nno commas here\nHope that helps, friend!"
    assert not check_instruction("punctuation:no_comma", wrapped, {})
    assert check_loosely("punctuation:no_comma", wrapped, {})
    assert not check_loosely("punctuation:no_comma", "a, b\nc, d\ne, f", {})


async def test_the_share_that_was_followed() -> None:
    wanted = [
        {"kind": "punctuation:no_comma"},
        {"kind": "length_constraints:number_words", "num_words": 5, "relation": "at least"},
    ]
    seen = Observation(answer="Too short", extra={"instructions": wanted})
    found = await score("instructions", seen, tools=Tools())
    assert (found.value, found.label) == (0.5, "fail")
    assert found.reason == "Not followed: length_constraints:number_words"
    for bad in ([{"kind": "nonsense"}], [{"kind": "keywords:existence"}], ["x"]):
        broken = Observation(answer="x", extra={"instructions": bad})
        assert (await score("instructions", broken, tools=Tools())).status == "failed"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The meeting was moved to Monday because of the weather."),
        ("de", "Die Sitzung wurde wegen des Wetters auf Montag verschoben und ist nicht wichtig."),
        ("fr", "La réunion a été reportée à lundi à cause de la pluie, et il ne vient pas."),
        ("es", "La reunión se movió al lunes por el mal tiempo y no es muy larga."),
        ("pt", "A reunião não foi na segunda-feira, mas você pode vir com uma amiga."),
        ("it", "La riunione è stata spostata a lunedì per il maltempo, ma non è lunga."),
        ("fi", "Kokous siirrettiin maanantaille, mutta se ei ole kovin pitkä."),
        ("vi", "Cuộc họp đã được dời sang thứ hai vì thời tiết xấu."),
        ("sw", "Mkutano ulihamishiwa Jumatatu kwa sababu ya hali ya hewa katika mji wa pwani."),
        ("ru", "Встречу перенесли на понедельник из-за погоды, и мы этому рады."),
        ("uk", "Зустріч перенесли на понеділок через погоду, і її не буде."),
        ("bg", "Срещата беше преместена за понеделник, защото времето ще бъде лошо."),
        ("hi", "बैठक सोमवार को होगी और यह बहुत लंबी नहीं है।"),
        ("mr", "बैठक सोमवारी होणार आहे आणि ती मोठी नाही."),
        ("ne", "बैठक सोमबार हुन्छ र यो लामो छ।"),
        ("bn", "বৈঠকটি সোমবারে সরানো হয়েছে।"),
        ("kn", "ಸಭೆಯನ್ನು ಸೋಮವಾರಕ್ಕೆ ಮುಂದೂಡಲಾಗಿದೆ."),
        ("pa", "ਮੀਟਿੰਗ ਸੋਮਵਾਰ ਨੂੰ ਹੋਵੇਗੀ।"),
        ("gu", "બેઠક સોમવારે થશે."),
        ("te", "సమావేశం సోమవారం జరుగుతుంది."),
        ("ta", "கூட்டம் திங்கட்கிழமை நடைபெறும்."),
        ("ml", "യോഗം തിങ്കളാഴ്ച നടക്കും."),
        ("ar", "تم نقل الاجتماع إلى يوم الاثنين بسبب سوء الأحوال الجوية."),
        ("fa", "جلسه به دلیل بدی هوا به دوشنبه موکول شد و چند نفر می‌آیند."),
        ("ur", "اجلاس پیر کو ہوگا اور یہ زیادہ لمبا نہیں ہے۔"),
        ("he", "הפגישה נדחתה ליום שני."),
        ("th", "การประชุมเลื่อนไปเป็นวันจันทร์"),
        ("ko", "회의는 월요일로 옮겨졌습니다."),
        ("ja", "会議は月曜日に変更されました。"),
        ("zh", "会议改到星期一。"),
        ("el", "Η συνάντηση μεταφέρθηκε τη Δευτέρα."),
        (None, "12345 !?"),
    ],
)
def test_languages(language: str | None, text: str) -> None:
    assert detect_language(text) == language
