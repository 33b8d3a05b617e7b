"""Statements as values, written in each standard layout: what the readers must give back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from finops_ledger.intake.formats import load_format, shipped
from finops_ledger.intake.read import ReadResult, SourceInfo, read
from finops_ledger.intake.spec import Format

DAY = date(2026, 3, 2)
ACCOUNT = "1234567890"


@dataclass(frozen=True)
class Line:
    """One movement: plus into the account, in rupiah."""

    amount: int
    day: date = DAY
    ref: str = ""
    bank_ref: str = ""
    text: str = "BIAYA ADM"


@dataclass(frozen=True)
class Statement:
    """One statement of an account."""

    opening: int
    lines: tuple[Line, ...] = ()
    account: str = ACCOUNT

    @property
    def closing(self) -> int:
        return self.opening + sum(line.amount for line in self.lines)

    def after(self, *lines: Line) -> Statement:
        """The statement that follows this one."""
        return replace(self, opening=self.closing, lines=lines)


def _c(amount: int) -> str:
    return "C" if amount >= 0 else "D"


def mt940(*statements: Statement) -> str:
    """Write an MT940 file."""
    out = []
    for number, one in enumerate(statements, 1):
        day = f"{max((x.day for x in one.lines), default=DAY):%y%m%d}"
        out += [":20:STMT", f":25:{one.account}", f":28C:{number}/1"]
        out.append(f":60F:{_c(one.opening)}{day}IDR{abs(one.opening)},")
        for x in one.lines:
            refs = f"{x.ref or 'NONREF'}" + (f"//{x.bank_ref}" if x.bank_ref else "")
            out.append(f":61:{x.day:%y%m%d}{x.day:%m%d}{_c(x.amount)}R{abs(x.amount)},00NTRF{refs}")
            out.append(f":86:{x.text}")
        out += [f":62F:{_c(one.closing)}{day}IDR{abs(one.closing)},", "-"]
    return "\n".join(out) + "\n"


def camt(*statements: Statement) -> str:
    """Write a camt.053 file."""

    def money(amount: int) -> str:
        side = "CRDT" if amount >= 0 else "DBIT"
        return f'<Amt Ccy="IDR">{abs(amount)}.00</Amt><CdtDbtInd>{side}</CdtDbtInd>'

    def balance(code: str, amount: int) -> str:
        tp = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        return f"<Bal>{tp}{money(amount)}<Dt><Dt>{DAY}</Dt></Dt></Bal>\n"

    def entry(x: Line) -> str:
        return (
            f"<Ntry>{money(x.amount)}<Sts>BOOK</Sts><BookgDt><Dt>{x.day}</Dt></BookgDt>"
            f"<AcctSvcrRef>{x.bank_ref}</AcctSvcrRef><NtryDtls><TxDtls><Refs><InstrId>{x.ref}"
            f"</InstrId></Refs><RmtInf><Ustrd>{x.text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n"
        )

    body = "".join(
        f"<Stmt><Id>S{n}</Id><Acct><Id><Othr><Id>{s.account}</Id></Othr></Id></Acct>\n"
        + balance("OPBD", s.opening)
        + balance("CLBD", s.closing)
        + "".join(map(entry, s.lines))
        + "</Stmt>\n"
        for n, s in enumerate(statements, 1)
    )
    space = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
    return f'<Document xmlns="{space}"><BkToCstmrStmt>\n{body}</BkToCstmrStmt></Document>\n'


def bai2(*statements: Statement) -> str:
    """Write a BAI2 file: one group of one day a statement, two implied decimals."""
    out, total, records = ["01,BANK,US,260304,0600,1,,,2/"], 0, 2
    for one in statements:
        day = one.lines[0].day if one.lines else DAY
        account = [
            f"03,{one.account},IDR,010,{one.opening * 100},,,015,{one.closing * 100},,/",
            *(
                f"16,{'165' if x.amount >= 0 else '495'},{abs(x.amount) * 100},,{x.bank_ref},"
                f"{x.ref},{x.text}"
                for x in one.lines
            ),
        ]
        control = (one.opening + one.closing + sum(abs(x.amount) for x in one.lines)) * 100
        out += [f"02,US,BANK,1,{day:%y%m%d},,IDR,2/", *account]
        out += [f"49,{control},{len(account) + 1}/", f"98,{control},1,{len(account) + 3}/"]
        total, records = total + control, records + len(account) + 3
    return "\n".join([*out, f"99,{total},{len(statements)},{records}/"]) + "\n"


def shipped_format(name: str) -> Format:
    """A shipped format."""
    return load_format(shipped()[name])


def read_text(
    folder: Path,
    text: str | bytes,
    name: str,
    *,
    account_number: str | None = None,
    currency: str = "IDR",
    fmt: Format | None = None,
    accept_valid: bool = False,
) -> tuple[ReadResult, list[dict[str, Any]]]:
    """Read a file by a shipped format; return the result and the rows."""
    path, out = folder / "file", folder / "rows.parquet"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    info = SourceInfo(
        name="bank", role="bank", zone="Asia/Jakarta", currency=currency, batch="b-1",
        file_day=DAY, account="Bank", account_number=account_number,
    )  # fmt: skip
    result = read(path, fmt or shipped_format(name), info, out, accept_valid=accept_valid)
    return result, pq.read_table(out).to_pylist()
