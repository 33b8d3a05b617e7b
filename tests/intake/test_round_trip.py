"""What is written as text and read again is the same, for any amount, moment and text."""

from __future__ import annotations

import csv
import tempfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow.parquet as pq
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from finops_ledger.core.errors import InputRefused
from finops_ledger.intake.formats import load_format
from finops_ledger.intake.read import SourceInfo, read
from finops_ledger.intake.spec import Format

FORMAT = """
name = "t"
version = 1
key = ["ref"]
[file]
delimiter = ";"
header = ["id", "time", "amount", "note"]
[numbers]
decimal = "{decimal}"
thousands = "{thousands}"
[times]
zone = "{zone}"
format = "%d/%m/%Y %H:%M:%S"
[fields]
ref = "id"
occurred_at = "time"
amount = "amount"
text = "note"
"""
STYLES = {
    "plain": (".", "", "Asia/Jakarta"),
    "indonesian": (",", ".", "Asia/Jakarta"),
    "american": (".", ",", "America/New_York"),
}
BOOKS = "Asia/Jakarta"
CONNECTION = duckdb.connect()


def make_format(style: str, folder: Path) -> Format:
    decimal, thousands, zone = STYLES[style]
    path = folder / "t.toml"
    path.write_text(FORMAT.format(decimal=decimal, thousands=thousands, zone=zone))
    return load_format(path)


def spell(amount: Decimal, style: str) -> str:
    decimal, thousands, _ = STYLES[style]
    text = f"{amount:,f}" if thousands else f"{amount:f}"
    whole, _, fraction = text.partition(".")
    return whole.replace(",", thousands) + decimal + fraction


amounts = st.decimals(
    min_value=-(10**14) + 1, max_value=10**14 - 1, places=2, allow_nan=False, allow_infinity=False
)
moments = st.datetimes(min_value=datetime(1991, 1, 1), max_value=datetime(2098, 1, 1)).map(  # noqa: DTZ001 - local
    lambda moment: moment.replace(microsecond=0)
)
notes = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=20
)


def once(moment: datetime, zone: ZoneInfo) -> bool:
    """Whether the clocks of a zone show a local time exactly once."""
    moments = {moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    there = {m.astimezone(zone).replace(tzinfo=None) for m in moments}
    return len(moments) == 1 and there == {moment}


@settings(max_examples=60)
@given(
    style=st.sampled_from(sorted(STYLES)),
    quoted=st.booleans(),
    rows=st.lists(st.tuples(amounts, moments, notes), min_size=1, max_size=30),
)
def test_round_trip(style: str, quoted: bool, rows: list[tuple[Decimal, datetime, str]]) -> None:
    if not quoted:  # outside quotes a carriage return ends the line
        rows = [(amount, moment, note.replace("\r", "")) for amount, moment, note in rows]
    zone = ZoneInfo(STYLES[style][2])
    rows = [(amount, moment, note) for amount, moment, note in rows if once(moment, zone)]
    assume(rows)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fmt = make_format(style, folder)
        with (folder / "f.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(
                file,
                delimiter=";",
                lineterminator="\n",
                quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL,
            )
            writer.writerow(["id", "time", "amount", "note"])
            for number, (amount, moment, note) in enumerate(rows):
                time = f"{moment:%d/%m/%Y %H:%M:%S}"
                writer.writerow([f"K{number}", time, spell(amount, style), note])
        info = SourceInfo("s", "bank", BOOKS, "USD", "b-1", datetime(2026, 3, 2, tzinfo=UTC).date())
        result = read(folder / "f.csv", fmt, info, folder / "out", connection=CONNECTION)
        got = pq.read_table(folder / "out").to_pylist()
    assert result.rows == len(rows)
    assert [row["amount"] for row in got] == [amount for amount, _, _ in rows]
    assert [row["text"] for row in got] == [note or None for _, _, note in rows]
    assert result.control == sum(amount for amount, _, _ in rows)
    for row, (_, moment, _) in zip(got, rows, strict=True):
        assert row["occurred_at"] == moment.replace(tzinfo=zone).astimezone(UTC)
        assert row["day"] == row["occurred_at"].astimezone(ZoneInfo(BOOKS)).date()


@settings(max_examples=60)
@given(text=st.text(alphabet="0123456789.,-+eE_ xN", min_size=1, max_size=12).filter(str.strip))
def test_no_text_is_read_as_a_number_that_it_is_not(text: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fmt = make_format("plain", folder)
        cell = f'"{text}"' if ";" in text else text
        (folder / "f.csv").write_text(
            f"id;time;amount;note\nA;02/03/2026 10:00:00;{cell};x\n", encoding="utf-8"
        )
        info = SourceInfo("s", "bank", BOOKS, "USD", "b-1", datetime(2026, 3, 2, tzinfo=UTC).date())
        try:
            result = read(folder / "f.csv", fmt, info, folder / "out", connection=CONNECTION)
        except InputRefused:
            return
    whole, _, fraction = text.removeprefix("-").partition(".")
    assert whole.isdigit()
    assert fraction.isdigit() or not fraction
    assert result.control == Decimal(text)
