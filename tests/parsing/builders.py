"""Small files made by hand, and a short way to parse them without a sandbox."""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

from parsing.engine import parse_file
from parsing.types import Limits, Opened, ParsedPage

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


@dataclass(frozen=True, slots=True)
class Parsed:
    """A whole parse: what was opened, its pages, and their text joined."""

    opened: Opened
    pages: list[ParsedPage]

    @property
    def text(self) -> str:
        """The text of all pages as the product joins it."""
        return "\n\n".join(page.text for page in self.pages)

    def blocks(self, kind: str) -> list[str]:
        """Texts of all blocks of one kind."""
        return [
            page.text[block.start : block.end]
            for page in self.pages
            for block in page.blocks
            if block.kind == kind
        ]


def parse_bytes(
    data: bytes,
    filename: str,
    *,
    folder: Path,
    limits: Limits | None = None,
    first_page: int = 1,
    ocr: bool = False,
) -> Parsed:
    """Parse in this process; the file is a real one because readers map it."""
    path = folder / "upload.bin"
    path.write_bytes(data)
    with path.open("rb") as file:
        items = list(
            parse_file(
                file,
                filename=filename,
                first_page=first_page,
                limits=limits or Limits(),
                ocr=ocr,
            )
        )
    opened = items[0]
    assert isinstance(opened, Opened)
    pages = [item for item in items[1:] if isinstance(item, ParsedPage)]
    for page in pages:
        for block in page.blocks:
            assert 0 <= block.start < block.end <= len(page.text)
        for box in page.boxes:
            assert 0 <= box.start < box.end <= len(page.text)
            assert 0 <= box.x0 <= box.x1 <= 1
            assert 0 <= box.y0 <= box.y1 <= 1
    return Parsed(opened, pages)


def build_pdf(pages: list[str], *, rotate: int = 0, extra: str = "") -> bytes:
    """A PDF with one content stream per page; F1 is Helvetica, F2 its bold."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>")
    kids: list[str] = []
    for content in pages:
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
        stream = len(objects)
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] "
            f"/Rotate {rotate} /Contents {stream} 0 R {extra} "
            "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(kids)}] >>"
    return assemble_pdf(objects)


def assemble_pdf(objects: list[str]) -> bytes:
    """Numbered objects with a cross-reference table."""
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1"))
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    for offset in offsets:
        out.write(f"{offset:010d} 00000 n \n".encode())
    out.write(f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\n".encode())
    out.write(f"startxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def text_at(x: int, y: int, text: str, *, size: int = 12, font: str = "F1") -> str:
    """One line of a content stream; y counts from the bottom of the page."""
    escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /{font} {size} Tf 1 0 0 1 {x} {y} Tm ({escaped}) Tj ET\n"


def build_zip(members: dict[str, str | bytes], *, stored: tuple[str, ...] = ()) -> bytes:
    """A ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            kind = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            archive.writestr(name, body, compress_type=kind)
    return out.getvalue()


def build_docx(body: str, **parts: str) -> bytes:
    """A Word document whose body is given as XML."""
    rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    links = "".join(
        f'<Relationship Id="r{name}" Type="{rels}/{name}" Target="{name}.xml"/>' for name in parts
    )
    members: dict[str, str | bytes] = {
        "_rels/.rels": f'<Relationships xmlns="{package}"><Relationship Id="r1" '
        f'Type="{rels}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{package}">{links}</Relationships>',
    }
    for name, content in parts.items():
        members[f"word/{name}.xml"] = content
    return build_zip(members)


def paragraph(text: str, *, style: str = "", extra: str = "") -> str:
    """A Word paragraph as XML."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t>{extra}</w:r></w:p>"


def build_ole(streams: dict[str, bytes]) -> bytes:
    """A compound file with streams of at least 4,096 bytes each; names hold folders by slashes."""
    sector = 512
    padded = {name: body.ljust(4096, b"\x00") for name, body in streams.items()}
    fat: list[int] = [0xFFFFFFFD]
    chunks: list[bytes] = []
    starts: dict[str, int] = {}
    for name, body in padded.items():
        count = -(-len(body) // sector)
        starts[name] = len(fat)
        fat += [len(fat) + step + 1 for step in range(count - 1)] + [0xFFFFFFFE]
        chunks.append(body.ljust(count * sector, b"\x00"))
    directory = _ole_directory(padded, starts)
    directory_start = len(fat)
    count = len(directory) // sector
    fat += [len(fat) + step + 1 for step in range(count - 1)] + [0xFFFFFFFE]
    assert len(fat) <= sector // 4
    fat += [0xFFFFFFFF] * (sector // 4 - len(fat))
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6,
        0, 1, directory_start, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0,
    )  # fmt: skip
    header += struct.pack("<109I", 0, *([0xFFFFFFFF] * 108))
    return header + struct.pack(f"<{sector // 4}I", *fat) + b"".join(chunks) + directory


def _ole_directory(streams: dict[str, bytes], starts: dict[str, int]) -> bytes:
    paths = {""}
    for name in streams:
        paths.update(name.rsplit("/", cut)[0] for cut in range(name.count("/") + 1))
    ordered = sorted(paths, key=lambda path: (path != "", len(path), path.upper()))
    places = {path: at for at, path in enumerate(ordered)}
    entries = []
    for path in ordered:
        parent, _, name = path.rpartition("/")
        siblings = _ole_children(ordered, parent) if path else []
        after = siblings[siblings.index(path) + 1 :] if path else []
        inner = _ole_children(ordered, path)
        entries.append(
            _ole_entry(
                name if path else "Root Entry",
                2 if path in streams else 1 if path else 5,
                right=places[after[0]] if after else 0xFFFFFFFF,
                child=places[inner[0]] if inner else 0xFFFFFFFF,
                start=starts.get(path, 0),
                size=len(streams.get(path, b"")),
            )
        )
    while len(entries) % 4:
        entries.append(_ole_entry("", 0))
    return b"".join(entries)


def _ole_children(paths: list[str], parent: str) -> list[str]:
    return [path for path in paths if path and path.rpartition("/")[0] == parent]


def _ole_entry(
    name: str,
    kind: int,
    *,
    right: int = 0xFFFFFFFF,
    child: int = 0xFFFFFFFF,
    start: int = 0,
    size: int = 0,
) -> bytes:
    encoded = name.encode("utf-16-le")
    length = len(encoded) + 2 if name else 0
    return struct.pack(
        "<64sHBBIII16sIQQIII", encoded, length, kind, 1, 0xFFFFFFFF, right, child, b"", 0, 0, 0,
        start if kind == 2 else 0xFFFFFFFE, size, 0,
    )  # fmt: skip
