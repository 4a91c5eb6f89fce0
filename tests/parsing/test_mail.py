"""Mails: the better body, flowed lines, and attachments read by the reader of their format."""

from __future__ import annotations

import struct
from email.message import EmailMessage
from pathlib import Path

import pytest

from parsing.mail.body import FROM_PAGE, FROM_PLAIN, choose_body, join_flowed, text_pieces
from parsing.mail.tnef import read_tnef
from parsing.text import Piece
from parsing.types import Limits
from tests.parsing.builders import (
    Parsed,
    build_docx,
    build_ole,
    build_pdf,
    build_zip,
    paragraph,
    parse_bytes,
    text_at,
)

DOCX = build_docx(paragraph("The warranty lasts 30 months."))


def build_mail(*attachments: tuple[str, bytes, str], body: str = "See attached.") -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Terms"
    message.set_content(body)
    for name, data, kind in attachments:
        main, _, sub = kind.partition("/")
        message.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return message


def parse_mail(message: EmailMessage, folder: Path, limits: Limits | None = None) -> Parsed:
    return parse_bytes(message.as_bytes(), "a.eml", folder=folder, limits=limits)


def test_attachments_are_pages_of_the_mail(tmp_path: Path) -> None:
    pdf = build_pdf([text_at(50, 700, "Page one of terms"), text_at(50, 700, "Page two")])
    mail = build_mail(
        ("w.docx", DOCX, "application/octet-stream"), ("t.pdf", pdf, "application/pdf")
    )
    parsed = parse_mail(mail, tmp_path)
    assert [(page.number, page.label, page.text) for page in parsed.pages[1:]] == [
        (2, "Attachment w.docx", "The warranty lasts 30 months."),
        (3, "Attachment t.pdf", "Page one of terms"),
        (4, "Attachment t.pdf", "Page two"),
    ]
    assert "note" not in parsed.opened.metadata
    assert parsed.opened.pages_total == 4


def test_what_is_not_read_is_said_with_its_reason(tmp_path: Path) -> None:
    mail = build_mail(
        ("all.zip", build_zip({"x.txt": "x"}), "application/zip"),
        ("broken.docx", DOCX[:300], "application/octet-stream"),
        ("void.txt", b"", "application/octet-stream"),
    )
    parsed = parse_mail(mail, tmp_path)
    note = parsed.opened.metadata["note"]
    assert note.startswith("Attachments that were not read: all.zip (This file is a ZIP archive")
    assert "broken.docx (This file is damaged or cut off" in note
    assert "void.txt (it is empty)" in note


def test_signatures_are_no_loss(tmp_path: Path) -> None:
    mail = build_mail(("smime.p7s", b"\x30\x80\x01", "application/pkcs7-signature"))
    assert "note" not in parse_mail(mail, tmp_path).opened.metadata


def test_attached_mail_keeps_its_attachments(tmp_path: Path) -> None:
    inner = build_mail(("w.docx", DOCX, "application/octet-stream"))
    outer = build_mail(("old.eml", inner.as_bytes(), "application/octet-stream"))
    parsed = parse_mail(outer, tmp_path)
    assert parsed.pages[-1].label == "Attachment old.eml: Attachment w.docx"
    assert parsed.pages[-1].text == "The warranty lasts 30 months."


def test_mails_in_mails_end_somewhere(tmp_path: Path) -> None:
    data = build_mail(body="The innermost words.").as_bytes()
    for _ in range(12):
        data = build_mail(("in.eml", data, "application/octet-stream")).as_bytes()
    parsed = parse_bytes(data, "a.eml", folder=tmp_path)
    assert "The innermost words." not in parsed.text
    assert "nested too deeply" in " ".join(page.note for page in parsed.pages)


def test_attachments_share_the_limits_of_the_mail(tmp_path: Path) -> None:
    long = ("x " * 400).encode()
    mail = build_mail(("a.txt", long, "application/x"), ("b.txt", long, "application/x"))
    parsed = parse_mail(mail, tmp_path, limits=Limits(output_chars=2_000))
    assert [page.label for page in parsed.pages] == ["Terms", "Attachment a.txt"]
    assert "b.txt (This file holds more than" in parsed.opened.metadata["note"]


def test_declared_charset_of_an_attachment(tmp_path: Path) -> None:
    mail = build_mail()
    mail.add_attachment("naam;größe\nß;1", subtype="csv", charset="cp850", filename="a.csv")
    assert "| naam | größe |" in parse_mail(mail, tmp_path).text


def build_alternatives(plain: str, html: str) -> EmailMessage:
    message = EmailMessage()
    message.set_content(plain)
    message.add_alternative(html, subtype="html")
    return message


@pytest.mark.parametrize(
    ("plain", "html", "expected"),
    [
        ("Your client cannot show this mail.", "<p>Pump 9 stops on Monday.</p>",
         "Pump 9 stops on Monday."),
        ("Pump 9 stops\non Monday.", "<p>Pump 9 stops on Monday.</p>", "Pump 9 stops on Monday."),
        ("Hi", "<p></p>", "Hi"),
        ("", "<p>Only here</p>", "Only here"),
    ],
)  # fmt: skip
def test_body_is_what_says_more(tmp_path: Path, plain: str, html: str, expected: str) -> None:
    assert parse_mail(build_alternatives(plain, html), tmp_path).text == expected


def test_bodies_that_differ_are_both_kept() -> None:
    plain = text_pieces("Alpha beta gamma delta epsilon. " * 12, is_html=False)
    page = text_pieces("<p>" + "One two three four five six seven. " * 12, is_html=True)
    assert choose_body(plain, page) == [*page, Piece("paragraph", FROM_PLAIN), *plain]


@pytest.mark.parametrize(
    ("plain", "html", "expected"),
    [
        ("The pump has left Oslo.", "<p>The pump has left Oslo.</p><p>Recall: valve ZX-771.</p>",
         "The pump has left Oslo.\n\nRecall: valve ZX-771."),
        ("A MIME mail. Your client does not support it.", "<p>Stop at once.</p>", "Stop at once."),
        ("The client did not read our mail.", "<p>Stop at once.</p>",
         f"The client did not read our mail.\n\n{FROM_PAGE}\n\nStop at once."),
        ("Valve P-9 opens at 7 bar.", "<p>short</p>",
         f"Valve P-9 opens at 7 bar.\n\n{FROM_PAGE}\n\nshort"),
        ("Dose 106 units", "<p>Dose 10<sup>6</sup> units</p>", "Dose 10^6 units"),
        ("Limit is 9 bar. Call Ann.", "<p>Limit is 7 bar. Call Ann.</p>",
         f"Limit is 7 bar. Call Ann.\n\n{FROM_PLAIN}\n\nLimit is 9 bar."),
        ("A has 9 bar and B 7 bar.", "<p>A has 7 bar and B 9 bar.</p>",
         f"A has 7 bar and B 9 bar.\n\n{FROM_PLAIN}\n\nA has 9 bar and B 7 bar."),
        ("Set -5 C now.", "<p>Set 5 C now.</p>",
         f"Set 5 C now.\n\n{FROM_PLAIN}\n\nSet -5 C now."),
        ("> *Open* the\n> valve <https://e.org/v>.", '<p><b>Open</b> the valve '
         '(<a href="https://e.org/v">https://e.org/v</a>).</p>',
         "Open the valve (https://e.org/v)."),
        ("弁を閉じる。圧力は9", "<p>弁を閉じる。</p>", "弁を閉じる。圧力は9"),
    ],
)  # fmt: skip
def test_nothing_said_in_either_part_is_lost(
    tmp_path: Path, plain: str, html: str, expected: str
) -> None:
    assert parse_mail(build_alternatives(plain, html), tmp_path).text == expected


def test_parts_side_by_side_are_both_kept(tmp_path: Path) -> None:
    message = EmailMessage()
    message.set_content("A long enough text that stands above the page.")
    message.make_mixed()
    page = EmailMessage()
    page.set_content("<p>And this stands below.</p>", subtype="html")
    message.attach(page)
    text = parse_mail(message, tmp_path).text
    assert text == "A long enough text that stands above the page.\n\nAnd this stands below."


def test_flowed_lines_are_joined(tmp_path: Path) -> None:
    raw = (
        b"Subject: Flow\nContent-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\n\n"
        b"The pump must be che \ncked every week.\nNext line.\n> quoted  \n> text\n-- \nAnn\n"
    )
    assert parse_bytes(raw, "a.eml", folder=tmp_path).pages[0].text == (
        "Flow\n\nThe pump must be checked every week.\nNext line.\n> quoted text\n-- \nAnn"
    )


def test_flowed_lines_without_delsp_keep_their_spaces() -> None:
    assert join_flowed("one \ntwo\n  three", delsp=False) == "one two\n three"


def test_delivery_report_is_read(tmp_path: Path) -> None:
    raw = (
        b"Subject: Failed\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        b"--b\n\nCould not be delivered.\n--b\nContent-Type: message/delivery-status\n\n"
        b"Reporting-MTA: dns; x.org\n\nFinal-Recipient: rfc822; a@x.org\nStatus: 5.1.1\n--b--\n"
    )
    text = parse_bytes(raw, "a.eml", folder=tmp_path).text
    assert "Could not be delivered." in text
    assert "Status: 5.1.1" in text


def tnef_attribute(kind: int, value: bytes, *, level: int = 1) -> bytes:
    return struct.pack("<BII", level, kind, len(value)) + value + b"\x00\x00"


def tnef_property(type_: int, key: int, value: bytes) -> bytes:
    padding = b"\x00" * (-len(value) % 4)
    return struct.pack("<HHII", type_, key, 1, len(value)) + value + padding


def build_tnef(text: str, name: str, data: bytes) -> bytes:
    named = struct.pack("<HH16sII", 3, 0x8001, b"", 1, 6) + b"a\x00b\x00\x00\x00\x00\x00"
    named += struct.pack("<I", 7)
    properties = struct.pack("<I", 3) + struct.pack("<HHI", 3, 0x0E07, 1) + named
    properties += tnef_property(0x1F, 0x1000, text.encode("utf-16-le") + b"\x00\x00")
    long_name = struct.pack("<I", 1) + tnef_property(0x1E, 0x3707, name.encode() + b"\x00")
    return (
        b"\x78\x9f\x3e\x22\x01\x00"
        + tnef_attribute(0x00069003, properties)
        + tnef_attribute(0x00069002, b"\x00" * 14, level=2)
        + tnef_attribute(0x00018010, b"SHORT~1.DOC\x00", level=2)
        + tnef_attribute(0x0006800F, data, level=2)
        + tnef_attribute(0x00069005, long_name, level=2)
    )


def test_winmail_is_unpacked(tmp_path: Path) -> None:
    data = build_tnef("Terms as agreed.", "warranty.docx", DOCX)
    parsed = parse_mail(build_mail(("winmail.dat", data, "application/ms-tnef")), tmp_path)
    assert [(page.label, page.text) for page in parsed.pages[1:]] == [
        ("Attachment winmail.dat", "Terms as agreed.\n\nAttachments: warranty.docx"),
        ("Attachment warranty.docx", "The warranty lasts 30 months."),
    ]
    assert "note" not in parsed.opened.metadata


@pytest.mark.parametrize("cut", [8, 30, 60, 200, 400])
def test_winmail_that_is_cut_off_says_so(tmp_path: Path, cut: int) -> None:
    data = build_tnef("Terms.", "warranty.docx", DOCX)[:cut]
    assert read_tnef(data).damage == "it is damaged or cut off"
    parsed = parse_mail(build_mail(("winmail.dat", data, "application/ms-tnef")), tmp_path)
    assert "winmail.dat (it is damaged or cut off)" in parsed.opened.metadata["note"]


def test_msg_with_attachments(tmp_path: Path) -> None:
    attachment = "__attach_version1.0_#00000000/"
    inner = "__attach_version1.0_#00000001/__substg1.0_3701000D/"
    time = (11_644_473_600 + 1_700_000_000) * 10_000_000
    properties = b"\x00" * 32 + struct.pack("<HHIQ", 0x40, 0x39, 0, time)
    streams = {
        "__properties_version1.0": properties,
        "__substg1.0_0037001F": "Lunch".encode("utf-16-le"),
        "__substg1.0_1000001E": "Größe nach Maß für fünf".encode("cp1252"),
        f"{attachment}__substg1.0_3707001F": "w.docx".encode("utf-16-le"),
        f"{attachment}__substg1.0_37010102": DOCX,
        f"{inner}__properties_version1.0": b"\x00" * 24,
        f"{inner}__substg1.0_0037001F": "Older".encode("utf-16-le"),
        f"{inner}__substg1.0_1000001F": "Inner words".encode("utf-16-le"),
    }
    parsed = parse_bytes(build_ole(streams), "a.msg", folder=tmp_path)
    assert [(page.label, page.text) for page in parsed.pages] == [
        ("Lunch", "Lunch\n\nDate: Tue, 14 Nov 2023 22:13:20 +0000\n\nGröße nach Maß für fünf\n\n"
         "Attachments: w.docx"),
        ("Attachment w.docx", "The warranty lasts 30 months."),
        ("Older", "Older\n\nInner words"),
    ]  # fmt: skip


def test_damaged_word_file_is_no_text(tmp_path: Path) -> None:
    mail = build_mail(("a.doc", b"\xd0\xcf\x11\xe0garbage", "application/msword"))
    parsed = parse_mail(mail, tmp_path)
    assert len(parsed.pages) == 1
    assert "not read: a.doc (The name says a Word document" in parsed.opened.metadata["note"]


def test_plain_text_with_the_name_of_a_word_file_is_read(tmp_path: Path) -> None:
    mail = build_mail(("a.doc", "Größe 7 bar".encode("latin-1"), "application/msword"))
    assert parse_mail(mail, tmp_path).pages[1].text == "Größe 7 bar"


MAILBOX = (
    b"From a@x.org Mon May  6 10:00:00 2024\nFrom: a@x.org\nTo: c@x.org\nSubject: One\n\n"
    b"First.\n>From here on.\n\nFrom words to deeds.\n\n"
    b"From b@x.org Mon May  6 11:00:00 2024\nFrom: b@x.org\nSubject: Two\n\nSecond.\n"
)


@pytest.mark.parametrize("name", ["a.mbox", "Inbox"])
def test_mails_of_a_mailbox_are_read_one_by_one(tmp_path: Path, name: str) -> None:
    parsed = parse_bytes(MAILBOX, name, folder=tmp_path)
    assert [(page.number, page.label, page.text) for page in parsed.pages] == [
        (1, "One", "One\n\nFrom: a@x.org\nTo: c@x.org\n\nFirst.\nFrom here on.\n\n"
         "From words to deeds."),
        (2, "Two", "Two\n\nFrom: b@x.org\n\nSecond."),
    ]  # fmt: skip
    assert "note" not in parsed.opened.metadata


def test_mailbox_that_is_too_long_says_so(tmp_path: Path) -> None:
    parsed = parse_bytes(MAILBOX, "a.mbox", folder=tmp_path, limits=Limits(pages=1))
    assert [page.label for page in parsed.pages] == ["One"]
    assert parsed.opened.metadata["note"] == "Only the first 1 of 2 mails were read."
