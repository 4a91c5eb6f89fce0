"""Compressed RTF, the body of messages in Outlook's formats (MS-OXRTFCP)."""

from __future__ import annotations

import struct

_RTF_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    b"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def decompress_rtf(data: bytes) -> bytes:
    """RTF body of a message: LZ-compressed as in MS-OXRTFCP, or stored as it is."""
    if len(data) < 16:
        return b""
    _, raw_size, kind, _ = struct.unpack_from("<IIII", data)
    if kind == 0x414C454D:
        return data[16 : 16 + raw_size]
    if kind != 0x75465A4C:
        return b""
    window = bytearray(_RTF_START.ljust(4096, b"\x00"))
    write, at = len(_RTF_START), 16
    out = bytearray()
    while at < len(data) and len(out) < raw_size:
        control = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data) or len(out) >= raw_size:
                break
            if not control & (1 << bit):
                chunk = data[at : at + 1]
                at += 1
            else:
                token = int.from_bytes(data[at : at + 2], "big")
                at += 2
                offset, length = token >> 4, (token & 0xF) + 2
                if offset == write % 4096:
                    return bytes(out)
                chunk = b""
                for step in range(length):
                    byte = window[(offset + step) % 4096]
                    window[write % 4096] = byte
                    write += 1
                    out.append(byte)
                continue
            window[write % 4096] = chunk[0]
            write += 1
            out += chunk
    return bytes(out)
