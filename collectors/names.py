r"""Names of files as people see them and ledgers keep them.

Senders may write any octets into a name. What is shown, logged and recorded is printable and
leads back to the very same octets: ``\n`` for a newline, ``\xff`` for an octet that is no UTF-8,
``\\`` for a backslash. Names never become paths of ours: the archive names files by content.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(\\|n|r|t|x[0-9a-f]{2}|u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4})")
_SHORT = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LONG = {shown[1]: raw for raw, shown in _SHORT.items()}


def shown_name(raw: str) -> str:
    """Returns a printable name for one whose stray octets are lone surrogates (PEP 383)."""
    if raw.isprintable() and "\\" not in raw:
        return raw
    return "".join(_shown(letter) for letter in raw)


def _shown(letter: str) -> str:
    code = ord(letter)
    if letter in _SHORT:
        return _SHORT[letter]
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if letter.isprintable():
        return letter
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def raw_name(shown: str) -> str:
    """Returns the name that :func:`shown_name` was given."""
    return _ESCAPE.sub(_raw, shown) if "\\" in shown else shown


def _raw(found: re.Match[str]) -> str:
    text = found[1]
    if text[0] == "x":
        return chr(0xDC00 + int(text[1:], 16))
    return chr(int(text[1:], 16)) if text[0] in "uU" else _LONG[text]


def leads_elsewhere(part: str) -> bool:
    """Returns whether a server's name for an entry of a folder would leave that folder."""
    return part in {"", ".", ".."} or "/" in part or "\0" in part
