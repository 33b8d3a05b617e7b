"""OFX statements: version 1 (SGML) and 2 (XML) of Open Financial Exchange.

Dates are the bank's own, as written: the zone beside a time is not applied, for the day is the day
of the bank's books. ``LEDGERBAL`` is a closing balance only where it is of the end of the list.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

from finops_ledger.core.money import ZERO, plain
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers.nodes import Node, stream
from finops_ledger.intake.readers.sgml import parse
from finops_ledger.intake.readers.statement import (
    Collector,
    Statement,
    amount_of,
    head_of,
    joined,
)  # fmt: skip
from finops_ledger.intake.source import Source
from finops_ledger.intake.spec import Format

_MOMENT = re.compile(
    r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(?:[.:]\d{1,6})?\s*(?:\[[^\]]*\])?", re.ASCII
)
_STATEMENTS = ("STMTRS", "CCSTMTRS")
#: What a version 1 file says of its bytes.
_CHARSETS = {
    "1252": "cp1252", "CP1252": "cp1252", "WINDOWS-1252": "cp1252",
    "8859-1": "latin-1", "ISO-8859-1": "latin-1", "ISO8859-1": "latin-1",
}  # fmt: skip


#: Where an aggregate may stand: elsewhere an end is missing before it, and entries would run together.
_INSIDE = {
    "STMTTRN": {"BANKTRANLIST", "INVBANKTRAN"}, "STMTTRNP": {"BANKTRANLISTP"},
    "BANKTRANLIST": set(_STATEMENTS), "LEDGERBAL": set(_STATEMENTS),
}  # fmt: skip
_ONCE = ("TRNAMT", "DTPOSTED", "FITID")


class _Reader:
    def __init__(self, out: Collector) -> None:
        self.out = out
        self.met: dict[tuple[str, str], Node] = {}  #: the first entry of each id

    def document(self, root: Node) -> None:
        """Read a whole file."""
        found = 0
        for node, above in _walk(root):
            if above and above.tag in _INSIDE and above.tag not in _INSIDE.get(node.tag, _INSIDE):
                self.out.fault(
                    "statement-order", f"{node.tag} within {above.tag}: an end is missing before it",
                    node.line, node.tag, " or ".join(sorted(_INSIDE[node.tag])),
                )  # fmt: skip
            if node.tag == "STATUS":
                self.status(node, above)
            elif node.tag in _STATEMENTS:
                found += 1
                self.statement(node)
            elif node.tag == "INVSTMTRS":
                self.out.fault("kind-wrong", "an investment statement", node.line, node.tag,
                               "a bank or credit card statement")  # fmt: skip
        if not found and not self.out.faults:
            self.out.fault("kind-wrong", "no statement in this file", root.line, root.tag,
                           "STMTRS or CCSTMTRS")  # fmt: skip

    def status(self, node: Node, above: Node | None) -> None:
        """Refuse a file in which the bank says that it could not answer."""
        code = node.value("CODE")
        if code != "0" or node.value("SEVERITY").upper() == "ERROR":
            message = node.value("MESSAGE") or "no message"
            self.out.fault(
                "statement-error", f"the bank answers with an error: {message}", node.line,
                code, "status 0", above.tag if above else None,
            )  # fmt: skip

    def statement(self, node: Node) -> None:
        account = node.first("BANKACCTFROM/ACCTID", "CCACCTFROM/ACCTID")
        at = self.out.statement(
            Statement(joined(account.text) if account else "", "", node.line, node.value("CURDEF"))
        )
        if not at.account:
            self.out.fault(
                "file-short", "a statement without its account", node.line, None, "ACCTID"
            )
        at.until = _bound(node, "BANKTRANLIST/DTEND")
        last = ""
        for one in node.all("BANKTRANLIST/STMTTRN"):
            last = max(last, self.entry(at, one))
        for one in node.all("BANKTRANLISTP/STMTTRNP"):
            self.entry(at, one, pending=True)
        self.balance(node, at, last)

    def balance(self, node: Node, at: Statement, last: str) -> None:
        """Keep the ledger balance: a closing where it is of the end of the listed entries."""
        found = node.first("LEDGERBAL")
        text = found.value("BALAMT") if found else ""
        if found is None or not text:
            return
        amount = _amount(text)
        moment = _moment(found.value("DTASOF"))
        if amount is None or moment is None:
            self.out.fault("statement-balance", "not a balance", found.line, text,
                           "an amount, and the day it is of", "LEDGERBAL")  # fmt: skip
            return
        ends = [m[0] for t in node.leaves("BANKTRANLIST/DTEND") if (m := _moment(t))]
        known = self.out.more.setdefault(at.account, {})
        known["balance"], known["balance_day"] = plain(amount), moment[0]
        if last <= moment[0] and (not ends or moment[0] <= max(ends)):
            at.closing, at.closing_line = amount, found.line

    def entry(self, at: Statement, node: Node, *, pending: bool = False) -> str:
        """Keep one entry; return its day."""
        amount = _amount(node.value("TRNAMT"))
        posted = node.value("DTPOSTED") or (node.value("DTTRAN") if pending else "")
        moment = _moment(posted)
        problem = None
        if amount is None:
            problem = ("cell-number", "not an amount", "TRNAMT", node.value("TRNAMT"))
        elif moment is None:
            problem = ("cell-time", "not a day or time", "DTPOSTED", posted)
        elif node.value("CORRECTFITID"):
            problem = ("statement-status", "a correction of an entry reported before",
                       "CORRECTFITID", node.value("CORRECTFITID"))  # fmt: skip
        elif again := next((t for t in _ONCE if len(node.all(t)) > 1), None):
            problem = ("statement-order", "stands twice in one entry: two entries run together",
                       again, " | ".join(node.leaves(again)))  # fmt: skip
        if problem is not None or amount is None or moment is None:
            code, message, column, value = problem  # type: ignore[misc]
            self.out.unreadable(at, code, message, node.line, column, value)
            return ""
        if twice := self.twice(at, node):
            self.out.unreadable(
                at, "entry-twice", f"the same entry as that of line {twice}: a FITID names one entry",
                node.line, "FITID", node.value("FITID"), "each entry once",
            )  # fmt: skip
            return moment[0]
        if not pending:
            at.booked_on(date.fromisoformat(moment[0]), node.line)
        available = _moment(node.value("DTAVAIL") or node.value("VALUEDATE"))
        name = node.value("NAME", "PAYEE/NAME")
        memo = node.value("MEMO")
        self.out.entry(at, node.line, amount, {
            "currency": node.value("CURRENCY/CURSYM") or at.currency,
            "booking_date": moment[0], "time": moment[1],
            "value_date": available[0] if available else "",
            "status": "pending" if pending else "booked",
            "type": node.value("TRNTYPE"),
            "reference": node.value("REFNUM") or node.value("CHECKNUM"),
            "bank_reference": node.value("FITID"),
            "counterparty": joined(name),
            "counterparty_account": node.value("BANKACCTTO/ACCTID", "CCACCTTO/ACCTID"),
            "text": joined(name if not memo.startswith(name) else "", memo),
        })  # fmt: skip
        return moment[0]

    def twice(self, at: Statement, node: Node) -> int:
        """Return the line of an entry before with the same id that says the same; 0 for none.

        Some banks use one id for several entries that differ: those are entries of their own.
        """
        name = node.value("FITID")
        if not name.strip("0"):
            return 0
        first = self.met.setdefault((at.account, name), node)
        return first.line if first is not node and _says(first) == _says(node) else 0


def _bound(node: Node, path: str) -> date | None:
    found = _moment(node.value(path))
    return date.fromisoformat(found[0]) if found else None


def _says(node: Node) -> list[tuple[str, str]]:
    return [(n.tag, n.text.strip()) for n, _ in _walk(node)][1:]


def _walk(root: Node) -> list[tuple[Node, Node | None]]:
    found: list[tuple[Node, Node | None]] = [(root, None)]
    for node, _ in found:
        found.extend((child, node) for child in node.children)
    return found


def _amount(text: str) -> Decimal | None:
    """Return a signed amount; its mark may be a dot or a comma, and there are no thousands."""
    found = re.fullmatch(r"([+-]?)(\d{0,40})(?:[.,](\d{0,40}))?", text, re.ASCII)
    if found is None or not (found[2] or found[3]):
        return None
    value = amount_of(f"{found[2].lstrip('0') or '0'}.{found[3] or ''}")
    return value if value is None or found[1] != "-" else ZERO - value


def _moment(text: str) -> tuple[str, str] | None:
    """Return day and time of day as the bank writes them."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return None
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
    clock = f"{found[4]}:{found[5]}:{found[6] or '00'}" if found[4] else ""
    return day.isoformat(), clock


def open_source(path: Path, fmt: Format, folder: Path, limits: Limits) -> Source:
    """Read the statements of a file; see :class:`.statement.Collector` for what is proven."""
    out = Collector(path.name, folder, fmt.order == "newest-first")
    head = head_of(path, 4096)
    if re.search(r"<\?(xml|OFX)\b", head):
        wide = Limits(max_record_bytes=max(limits.max_workbook_bytes, limits.max_record_bytes))
        roots = [node for node, _ in stream(path, path.name, {"OFX"}, wide)]
        root = roots[0] if roots else Node("OFX", 1)
    else:
        charset = re.search(r"CHARSET:\s*(\S+)", head)
        unicode = re.search(r"ENCODING:\s*(UTF-?8|UNICODE)", head)
        declared = _CHARSETS.get(charset[1].upper()) if charset and not unicode else None
        root = parse(path, declared or fmt.file.encoding, folder, limits)
    _Reader(out).document(root)
    return out.finish("ofx")


def recognises(path: Path, fmt: Format, limits: Limits) -> bool:
    """Say whether the file begins like one of either version."""
    head = head_of(path, 4096).lstrip("\ufeff\xef\xbb\xbf \n\t")
    return re.match(r"OFXHEADER:|<\?OFX|<OFX>|<\?xml[^>]*\?>\s*(<\?OFX|<OFX>)", head) is not None
