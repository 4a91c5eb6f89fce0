"""What a file is, judged by its content; the name only decides between kinds of plain text."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO

from parsing.charsets.detect import describe_reading, detect_charset, is_text
from parsing.text import is_junk
from parsing.types import ParseError

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xlsb": "application/vnd.ms-excel.sheet.binary.macroenabled.12",
    "xls": "application/vnd.ms-excel",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "doc": "application/msword",
    "ppt": "application/vnd.ms-powerpoint",
    "msg": "application/vnd.ms-outlook",
    "epub": "application/epub+zip",
    "rtf": "application/rtf",
    "html": "text/html",
    "md": "text/markdown",
    "rst": "text/x-rst",
    "txt": "text/plain",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "eml": "message/rfc822",
    "mbox": "application/mbox",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "ipynb": "application/x-ipynb+json",
    "xml": "application/xml",
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    "code": "text/x-source",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "tiff": "image/tiff",
    "webp": "image/webp",
    "gif": "image/gif",
    "bmp": "image/bmp",
}

_EXTENSIONS = {
    "pdf": "pdf", "docx": "docx", "docm": "docx", "dotx": "docx", "pptx": "pptx", "pptm": "pptx",
    "ppsx": "pptx", "xlsx": "xlsx", "xlsm": "xlsx", "xlsb": "xlsb", "xls": "xls", "ods": "ods",
    "odt": "odt", "odp": "odp", "doc": "doc", "dot": "doc", "ppt": "ppt", "pps": "ppt",
    "msg": "msg", "epub": "epub", "rtf": "rtf", "html": "html", "htm": "html", "xhtml": "html",
    "md": "md", "markdown": "md", "mdx": "md", "rst": "rst", "txt": "txt", "text": "txt",
    "log": "txt", "csv": "csv", "tsv": "tsv", "tab": "tsv", "eml": "eml", "mbox": "mbox",
    "json": "json", "jsonl": "jsonl", "ndjson": "jsonl", "ipynb": "ipynb", "xml": "xml",
    "vtt": "vtt", "srt": "srt", "png": "png", "jpg": "jpeg", "jpeg": "jpeg", "tif": "tiff",
    "tiff": "tiff", "webp": "webp", "gif": "gif", "bmp": "bmp",
}  # fmt: skip
_CODE = frozenset((
    "py", "pyi", "js", "mjs", "cjs", "jsx", "ts", "tsx", "java", "kt", "kts", "c", "h", "cc",
    "cpp", "cxx", "hpp", "hh", "cs", "go", "rs", "rb", "php", "pl", "pm", "lua", "r", "swift",
    "scala", "sh", "bash", "zsh", "fish", "ps1", "bat", "cmd", "sql", "css", "scss", "sass",
    "less", "vue", "svelte", "dart", "ex", "exs", "erl", "hs", "ml", "clj", "lisp", "el", "vb",
    "fs", "jl", "m", "mm", "groovy", "gradle", "tf", "hcl", "proto", "graphql", "yaml", "yml",
    "toml", "ini", "cfg", "conf", "env", "properties", "dockerfile", "makefile", "cmake",
    "tex", "bib", "asm", "s", "v", "vhd", "sol", "zig", "nim",
))  # fmt: skip
_TEXT_FORMATS = frozenset(
    {
        "html",
        "md",
        "rst",
        "txt",
        "csv",
        "tsv",
        "eml",
        "mbox",
        "json",
        "jsonl",
        "ipynb",
        "xml",
        "vtt",
        "srt",
        "rtf",
    }
)
# Formats read as plain characters, of which the file itself does not declare the charset.
_DECODED = frozenset(
    {"md", "rst", "txt", "csv", "tsv", "json", "jsonl", "ipynb", "vtt", "srt", "code"}
)
_MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"{\\rtf", "rtf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)
_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\x1f\x8b", "a compressed archive (gzip)"),
    (b"BZh", "a compressed archive (bzip2)"),
    (b"\xfd7zXZ\x00", "a compressed archive (xz)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a compressed archive (zstd)"),
    (b"SQLite format 3\x00", "a database"),
    (b"\x00asm", "a program"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound file"),
    (b"fLaC", "a sound file"),
)
_EML_HEADER = re.compile(r"\A(?:[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*){2,}", re.MULTILINE)
_EML_KNOWN = re.compile(
    r"^(?:From|To|Subject|Date|Message-ID|MIME-Version|Received|Return-Path|Delivered-To):",
    re.IGNORECASE | re.MULTILINE,
)
_MBOX_START = re.compile(r"From \S+ [^\n]*\d\d:\d\d[^\n]*\n[!-9;-~]+:")
_HTML_START = re.compile(
    r"\A\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_HTML_TAGS = re.compile(r"<(?:p|div|span|table|a|h[1-6]|ul|ol|br|meta|script)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sniffed:
    """`format` names the reader; `charset` is empty for binary formats.

    `note` says so where the name promised something else than the content is, and which charset
    was taken where that is not plain.
    """

    media_type: str
    format: str
    charset: str
    note: str = ""


def sniff(path: Path, filename: str) -> Sniffed:
    """Tell what the file at `path` is; ParseError where it cannot be read as a document."""
    with path.open("rb") as file:
        return sniff_file(file, filename=filename)


def sniff_file(file: BinaryIO, *, filename: str) -> Sniffed:
    """Tell what an open file is, as `sniff` does. Its position afterwards is undefined."""
    file.seek(0)
    head = file.read(65536)
    if not head.strip(b"\x00 \t\r\n"):
        raise ParseError("empty", "This file is empty, so there is nothing to read in it.")
    promised = promised_format(filename)
    actual, charset = _identify(file, head, promised)
    notes: list[str] = []
    if promised and _is_surprise(promised, actual):
        notes.append(
            f"The name ends in .{PurePath(filename).suffix.lstrip('.').lower()}, but the content "
            f"is {_describe(actual)}; it was read as that."
        )
    if actual in _DECODED or (actual == "html" and charset.startswith("utf")):
        file.seek(0)
        notes.append(describe_reading(file.read(), charset))
    note = " ".join(note for note in notes if note)
    return Sniffed(media_type=MEDIA_TYPES[actual], format=actual, charset=charset, note=note)


def promised_format(filename: str) -> str:
    """The format that a file's name promises, or an empty string."""
    path = PurePath(filename.lower())
    extension = path.suffix.lstrip(".")
    if extension in _EXTENSIONS:
        return _EXTENSIONS[extension]
    if extension in _CODE or path.name in _CODE:
        return "code"
    return ""


def _identify(file: BinaryIO, head: bytes, promised: str) -> tuple[str, str]:
    if b"%PDF-" in head[:1024]:
        return "pdf", ""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _identify_zip(file), ""
    if head.startswith(OLE_MAGIC):
        return _identify_ole(file), ""
    for magic, name in _MAGICS:
        if head.startswith(magic):
            return name, "cp1252" if name == "rtf" else ""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp", ""
    if head[:2] == b"BM" and len(head) > 30 and head[14:18] in (b"\x28\0\0\0", b"\x7c\0\0\0"):
        return "bmp", ""
    if not is_text(head) or (head[:2] == b"MZ" and b"\x00" in head[:64]):
        raise _refusal(head, promised)
    file.seek(0)
    charset = detect_charset(file.read())
    text = head.decode(charset, errors="replace")
    is_binary = promised not in _TEXT_FORMATS | {"", "code"}
    if is_binary and (head.startswith(OLE_MAGIC[:4]) or is_junk(text)):
        raise _refusal(head, promised)
    return _identify_text(text, promised), charset


def _refusal(head: bytes, promised: str) -> ParseError:
    for magic, name in _REFUSED:
        if head.startswith(magic):
            return ParseError(
                "unsupported",
                f"This file is {name}, which holds no text that can be read here. "
                "Upload the documents themselves.",
            )
    if promised and promised not in _TEXT_FORMATS and promised != "code":
        return ParseError(
            "mislabelled",
            f"The name says {_describe(promised)}, but the content is not that, nor anything "
            "else that can be read here. The file may be damaged: open it in the program that "
            "made it and save it again.",
        )
    return ParseError(
        "unsupported",
        "The content is binary data of a kind that cannot be read here. "
        "Supported are PDF, Office, OpenDocument, web, e-mail, text and image files.",
    )


def _identify_zip(file: BinaryIO) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist()[:50_000])
            mimetype = ""
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                mimetype = archive.read("mimetype").decode("ascii", "replace").strip()
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, NotImplementedError) as error:
        raise ParseError(
            "corrupt",
            "This file is damaged or cut off: its container cannot be unpacked. "
            "Open it in the program that made it, save it again, and upload that copy.",
        ) from error
    for name in ("odt", "ods", "odp", "epub"):
        if mimetype.startswith(MEDIA_TYPES[name]):
            return name
    if any(name.startswith("word/") for name in names):
        return "docx"
    if any(name.startswith("ppt/") for name in names):
        return "pptx"
    if "xl/workbook.bin" in names:
        return "xlsb"
    if any(name.startswith("xl/") for name in names):
        return "xlsx"
    if "META-INF/container.xml" in names:
        return "epub"
    raise ParseError(
        "unsupported",
        "This file is a ZIP archive. Unpack it and upload the documents in it.",
    )


def _identify_ole(file: BinaryIO) -> str:
    import olefile

    try:
        file.seek(0)
        with olefile.OleFileIO(file) as ole:
            names = {"/".join(entry) for entry in ole.listdir()}
    except Exception as error:  # olefile raises what its parsing meets
        raise ParseError(
            "corrupt",
            "This Office file is damaged or cut off. Open it in the program that made it, "
            "save it again, and upload that copy.",
        ) from error
    if "EncryptedPackage" in names:
        raise ParseError(
            "encrypted",
            "This file is protected by a password. Remove the password and upload it again.",
        )
    if "WordDocument" in names:
        return "doc"
    if "PowerPoint Document" in names:
        return "ppt"
    if "Workbook" in names or "Book" in names:
        return "xls"
    if "__properties_version1.0" in names:
        return "msg"
    raise ParseError(
        "unsupported",
        "This is an old Office file of a kind that cannot be read here. "
        "Save it as PDF, DOCX, PPTX or XLSX and upload that.",
    )


def _identify_text(text: str, promised: str) -> str:
    text = text.lstrip("\ufeff")
    start = text.lstrip()
    if start.startswith("{\\rtf"):
        return "rtf"
    if promised in _TEXT_FORMATS or promised == "code":
        return _confirm_text(start, promised)
    if start.startswith("WEBVTT"):
        return "vtt"
    if _HTML_START.match(text):
        return "html"
    if start.startswith("<?xml"):
        return "xml"
    if _MBOX_START.match(start):
        return "mbox"
    if _looks_like_mail(text):
        return "eml"
    if len(_HTML_TAGS.findall(text[:20_000])) >= 5:
        return "html"
    return "txt"


def _confirm_text(start: str, promised: str) -> str:
    """Keep what the name promises among text formats, unless the content plainly says otherwise."""
    is_html = bool(_HTML_START.match(start))
    if promised in {"txt", "csv", "tsv", "json", "rtf"} and is_html:
        return "html"
    if promised == "xml" and is_html:
        return "html"
    if promised == "rtf":
        return "txt"
    return promised


def _looks_like_mail(text: str) -> bool:
    match = _EML_HEADER.match(text.replace("\r\n", "\n"))
    return bool(match) and len(_EML_KNOWN.findall(match.group(0) if match else "")) >= 2


def _is_surprise(promised: str, actual: str) -> bool:
    related = ({"xlsx", "xlsb", "xls"}, {"png", "jpeg", "tiff", "webp", "gif", "bmp"})
    if promised == actual or any(promised in group and actual in group for group in related):
        return False
    return not (promised in _TEXT_FORMATS | {"code"} and actual in {"txt", "code"})


def _describe(name: str) -> str:
    words = {
        "docx": "a Word document", "doc": "a Word document", "pptx": "a presentation",
        "ppt": "a presentation", "xlsx": "a workbook", "xls": "a workbook", "xlsb": "a workbook",
        "txt": "plain text", "html": "a web page", "md": "Markdown", "eml": "an e-mail",
        "mbox": "a mailbox",
        "msg": "an e-mail", "code": "source code", "ipynb": "a notebook",
        "jpeg": "a JPEG image", "png": "a PNG image",
        "tiff": "a TIFF image", "gif": "a GIF image", "webp": "a WebP image", "bmp": "an image",
    }  # fmt: skip
    return words.get(name, name.upper())
