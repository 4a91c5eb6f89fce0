"""Charsets are told from the bytes, wherever in a file the first one beyond ASCII stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsing.charsets.detect import detect_charset, normalise_charset
from parsing.text import decode_text
from tests.parsing.builders import parse_bytes

SAMPLES = {
    "gbk": "型号,名称,单价\nP-1,离心泵,880\nP-2,铸铁阀门,120\n",
    "gb18030": "编号,说明\n7,密封圈需要每年更换\n",
    "big5": "型號,名稱,單價\nP-1,離心泵浦,880\nP-2,鑄鐵閥門,120\n",
    "shift_jis": "型番,名称,単価\nP-1,遠心ポンプ,880\nP-2,バルブを閉める,120\n",
    "euc_jp": "型番,名称,単価\nP-1,遠心ポンプ,880\nP-2,バルブを閉める,120\n",
    "euc_kr": "모델,이름,단가\nP-1,원심 펌프,880\nP-2,밸브를 잠그다,120\n",
    "cp1252": "Größe,Maß\nfünf Stück,„genau“ 7 €\n",
    "latin-1": "señor;année\n¿cuándo?;déjà vu\n",
    "cp1250": "Zażółć gęślą jaźń;trzy słowa\n",
    "cp1251": "Насос высокого давления;шесть штук\n",
    "koi8_r": "Насос высокого давления;шесть штук\n",
    "cp1253": "Αντλία υψηλής πίεσης;έξι\n",
}


@pytest.mark.parametrize("charset", SAMPLES)
@pytest.mark.parametrize("lines_before", [0, 40, 6_000])
def test_sample_reads_as_it_was_written(charset: str, lines_before: int) -> None:
    text = "id,amount\n" + "17,some plain words\n" * lines_before + SAMPLES[charset]
    assert decode_text(text.encode(charset)) == text


def test_csv_in_chinese_says_how_it_was_read(tmp_path: Path) -> None:
    rows = "id,qty,remark\n" + "1,2,ok\n" * 200 + "9,3,仓库里没有库存\n"
    parsed = parse_bytes(rows.encode("gbk"), "stock.csv", folder=tmp_path)
    assert "| 9 | 3 | 仓库里没有库存 |" in parsed.text
    assert parsed.opened.metadata["note"] == (
        "This file is not in UTF-8; its characters were read as GB18030 (Chinese)."
    )


def test_one_bad_byte_leaves_the_rest(tmp_path: Path) -> None:
    data = "first\nGröße und ".encode() + b"\xe4" + "rger über Öl\n".encode()
    parsed = parse_bytes(data, "a.txt", folder=tmp_path)
    assert parsed.text == "first\nGröße und \ufffdrger über Öl"
    assert parsed.opened.metadata["note"] == (
        "Bytes that are not valid UTF-8 were replaced by \ufffd at 1 place, first in line 2."
    )


def test_latin_letters_late_in_the_file_are_read(tmp_path: Path) -> None:
    data = b"Nothing but plain words.\n" * 4_000 + "Der Prüfdruck beträgt 6 bar.".encode("latin-1")
    parsed = parse_bytes(data, "a.txt", folder=tmp_path)
    assert parsed.text.endswith("Der Prüfdruck beträgt 6 bar.")
    assert "Windows-1252" in parsed.opened.metadata["note"]


@pytest.mark.parametrize("shift", range(4))
def test_character_across_the_first_64_kib(tmp_path: Path, shift: int) -> None:
    text = "x" * (65_535 - shift) + "€ und 漢字"
    parsed = parse_bytes(text.encode(), "a.txt", folder=tmp_path)
    assert parsed.text.replace("\n\n", "") == text
    assert parsed.opened.metadata == {}


def test_plain_utf8_has_no_note(tmp_path: Path) -> None:
    assert parse_bytes("Größe 漢字".encode(), "a.md", folder=tmp_path).opened.metadata == {}


def test_old_japanese_mail_charset() -> None:
    text = "ポンプを停止する"
    assert detect_charset(text.encode("iso2022_jp")) == "iso2022_jp_2"
    assert decode_text(text.encode("iso2022_jp")) == text


def test_terminal_colours_are_no_charset() -> None:
    assert detect_charset(b"\x1b[31mred\x1b[0m (B)") == "utf-8"


@pytest.mark.parametrize(
    ("label", "codec"),
    [("GB2312", "gb18030"), ("ks_c_5601-1987", "cp949"), ("ISO-8859-1", "cp1252"), ("x-no", "")],
)
def test_declared_charsets_mean_their_larger_relative(label: str, codec: str) -> None:
    assert normalise_charset(label) == codec


def test_declaration_that_the_bytes_deny_is_not_believed() -> None:
    assert decode_text("水泵的压力太高".encode("gbk"), charset="utf-8") == "水泵的压力太高"
    assert decode_text("Größe".encode(), charset="us-ascii") == "Größe"
    assert decode_text("Größe".encode("latin-1"), charset="us-ascii") == "Größe"
    assert decode_text("żółw".encode("iso8859_2"), charset="iso-8859-2") == "żółw"


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("latin-1", "Rohr Ø 12 mm, Wand 2 mm"),
        ("latin-1", "teil;weite\nP1;Ø 12 mm\nP2;Ø 16 mm\n"),
        ("latin-1", "pipe of ½ inch"),
        ("shift_jis", "code,name\nB1,ﾎﾟﾝﾌﾟ\nB2,ﾊﾞﾙﾌﾞﾊﾝﾄﾞﾙ\n"),
        ("cp949", "품목,비고\n똠방,펲시\n"),
        ("euc_kr", "name,city\nKim,서울\n"),
        ("cp1250", "śruba"),
        ("cp1250", "część;śruba\n"),
        ("cp1250", "Šroub"),
        ("cp1252", "œuvre; sœur"),
        ("cp1257", "Siurblio slėgis yra per didelis, išjunkite įrenginį"),
        ("utf-16-le", "水泵压力太高"),
        ("utf-16-be", "高圧ポンプを止める"),
        ("iso2022_kr", "펌프를 정지"),
    ],
)
def test_few_characters_read_as_they_were_written(charset: str, text: str) -> None:
    assert decode_text(text.encode(charset)) == text


def test_plain_ascii_is_no_wide_chinese() -> None:
    assert detect_charset(b"this app can break") == "utf-8"


def test_cyrillic_capitals_are_no_katakana() -> None:
    assert detect_charset("ДЫНЯ И НАСОС".encode("cp1251")) != "cp932"
