"""Texts as they are kept. Pure."""

from __future__ import annotations


def use_plain_line_ends(text: str) -> str:
    r"""The text with `\n` where a browser, whose forms end lines with `\r\n`, sent something else.

    Otherwise the same words from a page and from REST are different texts.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n")
