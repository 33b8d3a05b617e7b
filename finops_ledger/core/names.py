"""Names and texts that others gave: how they are shown, and which file names are made of them.

A file's name can hold line ends, marks that turn the reading direction, bytes that are no text. Shown
as they are, they would lie to the reader; used as they are, they would leave the folder.
"""

from __future__ import annotations

import re

#: Room for ``2026-03-02.1a2b3c4d.`` before, ``.report.txt`` behind, within the 255 bytes of a file system.
NAME_BYTES = 200
_SEPARATORS = frozenset('/\\"')
_NUMBER = re.compile(r"[-+]?\d[\d.,]*")
_AFTER_SEPARATOR = re.compile(r"([;,\t|])(?=[=+\-@＝＋－＠])")


def printable(text: str) -> str:
    r"""Return ``text`` in one line: what has no shape of its own, or changes that of others, is escaped.

    Control characters, marks of reading direction, line ends, blanks other than the common one, and the
    bytes of a name that is not UTF-8. Escaping twice changes nothing.

    >>> printable("a\nb\u202ec")
    'a\\x0ab\\u202ec'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(ord(c)) for c in text)


def _escape(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no text, as the system hands it over
        code -= 0xDC00
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def harmless(text: str) -> str:
    r"""Return a cell that a spreadsheet shows as it stands: no formula, no control characters.

    An apostrophe stands before what would begin a formula, also behind a character that a spreadsheet of
    another country takes for the separator. A plain number stays one.

    >>> harmless("=1+1"), harmless("-49.800"), harmless("a;=b")
    ("'=1+1", '-49.800', "a;'=b")
    """
    if _NUMBER.fullmatch(text):
        return text
    text = _AFTER_SEPARATOR.sub(r"\1'", printable(text))
    return f"'{text}" if text.lstrip()[:1] in tuple("=+-@＝＋－＠") else text


def file_name(text: str, limit: int = NAME_BYTES) -> str:
    """Return a name under which a file can be kept in any folder: never a path, at most ``limit`` bytes.

    Usual names stay as they are; a long one is cut before its ending.
    """
    kept = "".join(c if c.isprintable() and c not in _SEPARATORS else "_" for c in text)
    return shortened(kept, limit) or "_"


def shortened(name: str, limit: int) -> str:
    """Return a name of at most ``limit`` bytes: a long one is cut before its ending."""
    if len(name.encode()) <= limit:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending.encode()) > 16:
        stem, ending = name, ""
    tail = f".{ending}" if ending else ""
    return stem.encode()[: limit - len(tail.encode())].decode(errors="ignore") + tail


def within(container: str, member: str) -> str:
    """Name a member of a container: ``march.zip/orders.csv``; what a gzip holds goes by the gzip's own name."""
    alone = container.lower() in (member.lower(), f"{member.lower()}.gz")
    return container if alone else f"{container}/{member}"
