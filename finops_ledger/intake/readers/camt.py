"""ISO 20022 bank to customer messages: camt.052 reports, camt.053 statements, camt.054 notifications.

All versions, told by their namespace. One record an entry (``Ntry``), never one a detail: the entry
is what moves the account, and a file that states both levels would be counted twice.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

from finops_ledger.core.money import ZERO
from finops_ledger.intake import raw
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers.nodes import Node, stream
from finops_ledger.intake.readers.statement import (
    Collector,
    Statement,
    amount_of,
    head_of,
    joined,
)  # fmt: skip
from finops_ledger.intake.source import Source
from finops_ledger.intake.spec import Format

#: Communities write their own marks behind the version: ``….02.ch.02``, ``….02:APC:STUZZA:…``.
_NAMESPACE = re.compile(r"(camt\.05[234])\.\d{3}\.\d{2}(?![\w-])")
_STATEMENTS = {"Stmt": "camt.053", "Rpt": "camt.052", "Ntfctn": "camt.054"}
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII
)
_STATUS = {"BOOK": "booked", "PDNG": "pending", "FUTR": "pending", "INFO": "information"}
#: Texts of more details than these are counted, not listed.
_LISTED = 10


class _Reader:
    def __init__(self, out: Collector, message: str) -> None:
        self.out, self.message = out, message
        self.open: tuple[Node, Statement] | None = None

    def at(self, node: Node) -> Statement:
        """Return the statement of an element, begun when it is met first."""
        if self.open is None or self.open[0] is not node:
            found = node.first("Acct/Id/IBAN", "Acct/Id/Othr/Id", "Acct/Id/PrtryAcct/Id",
                               "Acct/Id/BBAN", "Acct/Id/UPIC")  # fmt: skip
            one = Statement(
                joined(found.text) if found else "",
                node.value("Id"),
                node.line,
                node.value("Acct/Ccy") or self._currency(node),
            )
            if not one.account:
                self.out.fault("file-short", "a statement without its account", node.line,
                               None, "Acct/Id")  # fmt: skip
            self.open = node, self.out.statement(one)
        return self.open[1]

    def _currency(self, node: Node) -> str:
        """Return the currency of a statement's balances, which mostly stand before its entries."""
        amounts = node.all("Bal/Amt") if self.message == "camt.053" else []
        return amounts[0].attributes.get("Ccy", "") if amounts else ""

    def statement(self, node: Node) -> None:
        """End a statement: its balances and totals. They may stand before or behind its entries."""
        one = self.at(node)
        self._totals(node, one)
        if self.message != "camt.053":
            return  # what a report says between two statements proves nothing about the whole day
        balances = self._balances(node, one)
        opening = [b for c in ("OPBD", "PRCD") for b in balances.get(c, [])]
        closing = balances.get("CLBD", [])
        between = balances.get("ITBD", [])
        if len({b[0] for b in opening}) > 1:
            self.out.fault(
                "balance-chain", "opening (OPBD) is not the closing before it (PRCD)",
                opening[1][1], str(opening[1][0]), str(opening[0][0]), "opening",
            )  # fmt: skip
        if len({b[0] for b in closing}) > 1:
            self.out.fault(
                "balance-chain", "two closing balances (CLBD) that differ", closing[1][1],
                str(closing[1][0]), str(closing[0][0]), "closing",
            )  # fmt: skip
        one.since = _day(node, "OPBD")
        one.until = _day(node, "CLBD")
        one.first_page = bool(opening) or not between
        one.last_page = bool(closing) or not between
        if opening or between:
            one.opening, one.opening_line = (opening or between)[0]
        if closing or between:
            one.closing, one.closing_line = (closing or between)[-1]
        for name, said in (("opening", one.opening), ("closing", one.closing)):
            if said is None:
                self.out.fault("file-short", f"a statement without its {name} balance",
                               node.line, None, "OPBD or PRCD, and CLBD")  # fmt: skip

    def _balances(self, node: Node, one: Statement) -> dict[str, list[tuple[Decimal, int]]]:
        found: dict[str, list[tuple[Decimal, int]]] = {}
        for bal in node.all("Bal"):
            code = bal.value("Tp/CdOrPrtry/Cd", "Tp/Cd", "Tp/CdOrPrtry/Prtry")
            amount = self._signed(bal)
            if amount is None:
                self.out.fault(
                    "statement-balance", "not a balance", bal.line, bal.value("Amt"),
                    "an amount, CRDT or DBIT", code,
                )  # fmt: skip
                continue
            if code in {"OPBD", "PRCD", "CLBD", "ITBD"}:
                currency = bal.all("Amt")[0].attributes.get("Ccy", "")
                one.currency = one.currency or currency
                if currency != one.currency:
                    self.out.fault(
                        "currency-other", "a balance in another currency than the account",
                        bal.line, currency, one.currency, code,
                    )  # fmt: skip
                found.setdefault(code, []).append((amount, bal.line))
        return found

    @staticmethod
    def _signed(node: Node) -> Decimal | None:
        amount = _decimal(node.value("Amt"))
        side = node.value("CdtDbtInd")
        if amount is None or side not in {"CRDT", "DBIT"}:
            return None
        return amount if side == "CRDT" else ZERO - amount

    def _totals(self, node: Node, one: Statement) -> None:
        for path, number, amount in (
            ("TxsSummry/TtlNtries", "rows", "sum"),
            ("TxsSummry/TtlCdtNtries", "credits", "credit"),
            ("TxsSummry/TtlDbtNtries", "debits", "debit"),
        ):
            for total in node.all(path):
                for tag, name in (("NbOfNtries", number), ("Sum", amount)):
                    if text := total.value(tag):
                        self._total(one, total, name, text)
                net = total.first("TtlNetNtry") or total
                if text := net.value("TtlNetNtryAmt", "Amt"):
                    sign = "-" if net.value("CdtDbtInd") == "DBIT" else ""
                    self._total(one, total, "net", sign + text)

    def _total(self, one: Statement, node: Node, name: str, text: str) -> None:
        value = _decimal(text.removeprefix("-"))
        if value is None:
            self.out.fault("statement-balance", "not a total", node.line, text, "a number", name)
        else:
            one.stated[name] = (ZERO - value if text.startswith("-") else value, node.line)

    def entry(self, node: Node, around: Node) -> None:
        """Keep one entry."""
        one, out = self.at(around), self.out
        amount = self._signed(node)
        status = node.value("Sts/Cd", "Sts")
        problem = None
        if amount is None:
            problem = ("cell-number", "not an amount with CRDT or DBIT", "Amt", node.value("Amt"))
        elif status not in _STATUS:
            problem = ("cell-mark", "an unknown status of an entry", "Sts", status)
        days: dict[str, tuple[str, str]] = {}
        for tag in ("BookgDt", "ValDt"):
            text = node.value(f"{tag}/Dt", f"{tag}/DtTm")
            moment = _moment(text)
            if moment is None:
                problem = problem or ("cell-time", "not a day or time", tag, text)
            else:
                days[tag] = moment
        if problem is not None or amount is None:
            code, message, column, value = problem  # type: ignore[misc]
            out.unreadable(one, code, message, node.line, column, value)
            return
        currency = node.all("Amt")[0].attributes.get("Ccy", "")
        one.currency = one.currency or currency
        booked = days["BookgDt"] if days["BookgDt"][0] else days["ValDt"]
        if days["BookgDt"][0] and _STATUS[status] == "booked":
            one.booked_on(date.fromisoformat(booked[0]), node.line)
        out.entry(
            one,
            node.line,
            amount,
            {
                "currency": currency,
                "booking_date": booked[0],
                "value_date": days["ValDt"][0],
                "time": booked[1],
                "status": _STATUS[status],
                "reversal": "true" if node.value("RvslInd") in {"true", "1"} else "",
                "type": _type(node),
                **_said(node, credit=node.value("CdtDbtInd") == "CRDT"),
            },
        )


def _decimal(text: str) -> Decimal | None:
    """Return an amount as XML Schema writes it: ``.50`` and ``+7.`` are amounts, too."""
    text = text.removeprefix("+")
    return amount_of(f"0{text}" if text.startswith(".") else text)


def _day(node: Node, code: str) -> date | None:
    """Return the day of a balance."""
    for bal in node.all("Bal"):
        if bal.value("Tp/CdOrPrtry/Cd", "Tp/Cd") == code:
            found = _moment(bal.value("Dt/Dt", "Dt/DtTm"))
            return date.fromisoformat(found[0]) if found and found[0] else None
    return None


def _moment(text: str) -> tuple[str, str] | None:
    """Return day and time of day as the bank writes them; None when it is neither."""
    if not text:
        return "", ""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    try:
        date.fromisoformat(found[1])
    except ValueError:
        return None
    return found[1], found[2] or ""


def _type(node: Node) -> str:
    codes = node.leaves("BkTxCd/Domn/Cd", "BkTxCd/Domn/Fmly/Cd", "BkTxCd/Domn/Fmly/SubFmlyCd")
    return "-".join(codes) or node.value("BkTxCd/Prtry/Cd")


def _said(node: Node, *, credit: bool) -> dict[str, str]:
    """Return references, the other side and the text of an entry, from its details where they are."""
    details = node.all("NtryDtls/TxDtls")
    only = details[0] if len(details) == 1 else Node("TxDtls", node.line)
    number = node.value("NtryDtls/Btch/NbOfTxs")
    other = "Dbtr" if credit else "Cdtr"
    texts = [t for d in details[:_LISTED] for t in _texts(d)]
    if len(details) > _LISTED:
        texts.append(f"(+{len(details) - _LISTED} more)")
    return {
        "level": "batch" if len(details) > 1 or number not in {"", "1"} else "entry",
        "reference": only.value("Refs/InstrId", "Refs/PmtInfId", "Refs/ChqNb")
        or node.value("NtryDtls/Btch/PmtInfId", "NtryDtls/Btch/MsgId", "Btch/PmtInfId"),
        "bank_reference": node.value("AcctSvcrRef")
        or only.value("Refs/AcctSvcrRef")
        or node.value("NtryRef"),
        "end_to_end": "".join(t for t in [only.value("Refs/EndToEndId")] if t != "NOTPROVIDED"),
        "counterparty": joined(
            only.value(f"RltdPties/{other}/Nm", f"RltdPties/{other}/Pty/Nm",
                       f"RltdPties/Ultmt{other}/Nm", f"RltdPties/Ultmt{other}/Pty/Nm")
        ),
        "counterparty_account": joined(
            only.value(f"RltdPties/{other}Acct/Id/IBAN", f"RltdPties/{other}Acct/Id/Othr/Id")
        ),
        "text": joined(*dict.fromkeys([*texts, *node.leaves("AddtlNtryInf")])),
    }  # fmt: skip


def _texts(detail: Node) -> list[str]:
    return detail.leaves(
        "RmtInf/Ustrd", "RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/CdtrRefInf/CdtrRef",
        "RmtInf/Strd/AddtlRmtInf", "AddtlTxInf",
    )  # fmt: skip


def _message(node: Node) -> str | None:
    found = _NAMESPACE.search(node.namespace)
    return found[1] if found else None


def open_source(path: Path, fmt: Format, folder: Path, limits: Limits) -> Source:
    """Read the statements of a message; see :class:`.statement.Collector` for what is proven."""
    message = fmt.file.message
    out = Collector(path.name, folder, fmt.order == "newest-first")
    if not path.stat().st_size:
        raw.check_start(path, "utf-8")
    reader = _Reader(out, message)
    cut = {"Ntry", *_STATEMENTS}
    for node, around in stream(path, path.name, cut, limits):
        if node.tag == "Ntry":
            parent = around[-1] if around else node
            if parent.tag not in _STATEMENTS or _message(parent) != message:
                _other(path.name, parent, message)
            reader.entry(node, parent)
        elif _message(node) != message or _STATEMENTS[node.tag] != message:
            _other(path.name, node, message)
        else:
            reader.statement(node)
    return out.finish(message)


def _other(name: str, node: Node, message: str) -> None:
    raise raw.refuse(
        name, "kind-wrong", f"{_message(node) or 'another kind of XML'}, not {message}", node.line,
        value=node.namespace[:200], expected=f"a message of namespace {message}.001.NN",
    )  # fmt: skip


def recognises(path: Path, fmt: Format, limits: Limits) -> bool:
    """Say whether the start of a file names the message that the format is for."""
    head = head_of(path).replace("\0", "")
    found = re.search(r"(camt\.05[234])\.\d{3}\.\d{2}", head)
    return found is not None and found[1] == fmt.file.message
