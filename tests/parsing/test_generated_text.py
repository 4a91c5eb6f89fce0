"""Texts drawn at random: charsets, bad bytes, bracket lines, mails.

GENERATED_EXAMPLES in the environment asks for more of them than 40.
"""

from __future__ import annotations

import os
import string
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsing.charsets.detect import detect_charset
from parsing.formats.markdown import split_markdown
from parsing.text import decode_text
from tests.parsing.builders import build_docx, paragraph, parse_bytes

EXAMPLES = int(os.environ.get("GENERATED_EXAMPLES", "40"))
pytestmark = pytest.mark.timeout(max(120, 4 * EXAMPLES))
bounded = settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=EXAMPLES == 40)

# Everyday sentences, from which fields are drawn: random code points are no language at all.
SENTENCES = {
    ("gbk", "gb18030"): [
        "请在启动前检查水泵的压力",
        "仓库里的产品数量不足",
        "客户要求更换阀门和密封圈",
        "本公司提供三年保修服务",
        "安装时必须关闭电源",
        "价格不包括运输费用",
    ],
    ("big5",): [
        "請在啟動前檢查水泵的壓力",
        "倉庫裡的產品數量不足",
        "客戶要求更換閥門和密封圈",
        "本公司提供三年保固服務",
        "安裝時必須關閉電源",
        "價格不包括運輸費用",
    ],
    ("shift_jis", "euc_jp"): [
        "起動する前にポンプの圧力を確認してください",
        "在庫の数量が不足しています",
        "電源を切ってから取り付けること",
        "保証期間は三年間です",
        "価格に送料は含まれません",
        "バルブとパッキンを交換する",
    ],
    ("euc_kr",): [
        "시동하기 전에 펌프의 압력을 확인하십시오",
        "창고의 재고 수량이 부족합니다",
        "전원을 끄고 설치해야 합니다",
        "보증 기간은 삼 년입니다",
        "가격에 운송비는 포함되지 않습니다",
        "밸브와 패킹을 교체한다",
    ],
    ("cp1252",): [
        "Vor dem Einschalten prüfen Sie den Druck",
        "Die Größe läßt sich nicht ändern",
        "für fünf Öfen",
    ],
    ("cp1251", "koi8_r"): [
        "Перед пуском проверьте давление насоса",
        "На складе нет нужного количества",
        "Срок гарантии три года",
    ],
}
CASES = [(charset, lines) for names, lines in SENTENCES.items() for charset in names]
words = st.text(string.ascii_letters + string.digits, min_size=1, max_size=8)


@pytest.mark.parametrize(("charset", "sentences"), CASES, ids=[name for name, _ in CASES])
@bounded
@given(data=st.data())
def test_csv_reads_as_it_was_written(
    charset: str, sentences: list[str], data: st.DataObject
) -> None:
    head = data.draw(st.integers(0, 3_000))
    chosen = data.draw(st.lists(st.sampled_from(sentences), min_size=2, max_size=5, unique=True))
    rows = ["id,name,remark", *["7,plain,nothing"] * head]
    for sentence in chosen:
        at = data.draw(st.integers(1, len(rows)))
        rows.insert(at, f"{data.draw(words)},{sentence},{data.draw(words)}")
    text = "\n".join(rows)
    assert decode_text(text.encode(charset)) == text


@bounded
@given(
    text=st.text(
        st.characters(min_codepoint=0x20, max_codepoint=0x2FFF, exclude_categories=["C"]),
        min_size=40,
        max_size=400,
    ),
    places=st.lists(st.integers(0, 400), min_size=1, max_size=3),
)
def test_bad_bytes_cost_no_other_character(text: str, places: list[int]) -> None:
    text = "Größenänderung über die Fläche " * 4 + text
    parts = [char.encode() for char in text]
    for place in places:
        parts.insert(min(place, len(parts)), b"\xff")
    data = b"".join(parts)
    assert detect_charset(data) == "utf-8"
    assert decode_text(data).replace("\ufffd", "") == decode_text(text.encode()).replace(
        "\ufffd", ""
    )


labels = st.text(string.ascii_letters + string.digits + " -_.", min_size=1, max_size=12).filter(
    lambda label: label == label.strip() and "__" not in label and label.strip("-_.")
)


@bounded
@given(label=labels, prose=st.lists(words, min_size=2, max_size=8), gap=st.booleans())
def test_bracket_lines_of_prose_stay(label: str, prose: list[str], gap: bool) -> None:
    line = f"[{label}]: {' '.join(prose)}"
    between = "\n\n" if gap else "\n"
    found = "\n".join(piece.text for piece in split_markdown(f"Before{between}{line}\n\nAfter"))
    assert line in found


@bounded
@given(label=labels, path=words, used=st.booleans())
def test_bracket_lines_of_addresses_go_where_they_are_used(
    label: str, path: str, used: bool
) -> None:
    use = f"Read [this][{label}]." if used else "Read."
    text = f"{use}\n\n[{label}]: https://x.org/{path}\n\nAfter"
    found = [piece.text for piece in split_markdown(text)]
    assert found == [f"Read this (https://x.org/{path})." if used else "Read.", "After"]


leaves = st.sampled_from(["plain", "html", "both", "docx", "csv", "text"])
trees = st.recursive(leaves, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=6)


def build_mail(tree: object, words: list[str]) -> EmailMessage:
    """A mail of that structure; every leaf says a word of its own, put into `words`."""
    message = EmailMessage()
    if isinstance(tree, list):
        message.make_mixed()
        for inner in tree:
            child = build_mail(inner, words)
            if isinstance(inner, list):
                message.add_attachment(child)
            else:
                message.attach(child)
        return message
    word = f"word{len(words)}x"
    words.append(word)
    if tree in {"plain", "both"}:
        message.set_content(f"This plain part says {word} and more." if tree == "plain" else "Old.")
    if tree == "both":
        message.add_alternative(f"<p>The page says {word}.</p>", subtype="html")
    if tree == "html":
        message.set_content(f"<p>The page says {word}.</p>", subtype="html")
    if tree == "docx":
        data = build_docx(paragraph(f"The letter says {word}."))
        message.set_content(data, maintype="application", subtype="x", filename="a.docx")
    if tree in {"csv", "text"}:
        name = "a.csv" if tree == "csv" else "notes"
        message.set_content(f"a,b\n{word},2\n", disposition="attachment", filename=name)
    return message


@bounded
@given(tree=trees)
def test_every_part_of_a_mail_is_read(tree: object) -> None:
    expected: list[str] = []
    message = build_mail(tree, expected)
    message["Subject"], message["From"] = "Random", "a@x.org"
    with TemporaryDirectory() as folder:
        parsed = parse_bytes(message.as_bytes(), "a.eml", folder=Path(folder))
    assert [word for word in expected if word not in parsed.text] == []
    assert "note" not in parsed.opened.metadata
