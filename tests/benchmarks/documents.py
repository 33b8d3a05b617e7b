"""Files of other kinds than csv, one format each, as large as wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Final, TextIO

#: Kind of file -> the shipped format that reads it.
NAMES: Final = {"jsonl": "digiflazz", "mt940": "mt940", "camt": "camt053"}
_ENTRY: Final = (
    '<Ntry><Amt Ccy="IDR">1000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
    "<BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-02</Dt></ValDt>"
    "<AcctSvcrRef>FT{at:08d}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd>"
    "<SubFmlyCd>OTHR</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>"
    "E-{at:08d}</EndToEndId></Refs><RmtInf><Ustrd>TRANSFER {at}</Ustrd></RmtInf></TxDtls>"
    "</NtryDtls></Ntry>\n"
)


def draw_document(kind: str, path: Path, rows: int) -> None:
    """Write a file of ``rows`` records."""
    with path.open("w", encoding="utf-8", newline="\n") as out:
        {"jsonl": _answers, "mt940": _mt940, "camt": _camt}[kind](out, rows)


def _answers(out: TextIO, rows: int) -> None:
    out.writelines(
        f'{{"data":{{"ref_id":"ORD-{at:08d}","customer_no":"0813{at:08d}","buyer_sku_code":"TSEL10",'
        f'"message":"Transaksi Sukses","status":"Sukses","rc":"00","sn":"31{at:018d}","price":10250}}}}\n'
        for at in range(rows)
    )


def _mt940(out: TextIO, rows: int) -> None:
    lines = (
        f":61:2603020302C1000,NTRFE-{at:08d}//FT{at:08d}\n:86:TRANSFER {at}\n" for at in range(rows)
    )
    out.writelines(
        [
            "{1:F01BANKIDJAXXXX0000000000}{2:O9400100260303BANKIDJAXXXX00000000002603040100N}{4:\n",
            ":20:STMT\n:25:0123456789\n:28C:00001/001\n:60F:C260301IDR0,\n",
            *lines,
            f":62F:C260302IDR{rows * 1000},\n-}}\n",
        ]
    )


def _camt(out: TextIO, rows: int) -> None:
    def balance(code: str, amount: int) -> str:
        return (
            f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="IDR">{amount}.00</Amt>'
            "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-02</Dt></Dt></Bal>\n"
        )

    space = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
    out.writelines(
        [
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{space}"><BkToCstmrStmt>\n',
            "<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-03-03T23:59:59+07:00</CreDtTm></GrpHdr><Stmt>",
            "<Id>S</Id><CreDtTm>2026-03-02T23:59:59+07:00</CreDtTm>",
            "<Acct><Id><Othr><Id>0123456789</Id></Othr></Id><Ccy>IDR</Ccy></Acct>\n",
            balance("OPBD", 0),
            balance("CLBD", rows * 1000),
            *(_ENTRY.format(at=at) for at in range(rows)),
            "</Stmt></BkToCstmrStmt></Document>\n",
        ]
    )
