"""Rails: hours, limits, and the moments at which money can be sent and arrives."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from finops_ledger.books.workspace import Workspace
from finops_ledger.core import calendars
from finops_ledger.core.calendars import HolidaysMissing
from finops_ledger.core.errors import UsageError
from finops_ledger.sop import rails
from finops_ledger.sop.rails import Rail
from tests.worked import workspace as w

ID = calendars.load("ID")
JAKARTA = ZoneInfo("Asia/Jakarta")
KNOWN = rails.known()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=JAKARTA)


@pytest.mark.parametrize(
    ("rail", "moment", "sent", "arrives"),
    [
        ("BI-FAST", "2026-03-21 03:00", "2026-03-21 03:00", "2026-03-21 03:01"),
        ("same-bank", "2026-03-21 03:00", "2026-03-21 03:00", "2026-03-21 03:01"),
        ("RTGS", "2026-03-17 05:00", "2026-03-17 06:30", "2026-03-17 08:30"),
        ("RTGS", "2026-03-17 16:29", "2026-03-17 16:29", "2026-03-17 18:29"),
        # At the cut-off it is closed; then come the seven days of Nyepi and Lebaran.
        ("RTGS", "2026-03-17 16:30", "2026-03-25 06:30", "2026-03-25 08:30"),
        ("SKN", "2026-03-26 10:01", "2026-03-26 10:01", "2026-03-26 13:00"),
        ("SKN", "2026-03-26 16:00", "2026-03-26 16:00", "2026-03-26 18:45"),
        ("SKN", "2026-03-27 16:45", "2026-03-30 06:30", "2026-03-30 10:00"),
        # The closing of the budget year: longer on its business days, still closed on Christmas.
        ("RTGS", "2025-12-31 22:00", "2025-12-31 22:00", "2026-01-01 00:00"),
        ("RTGS", "2025-12-24 17:45", "2025-12-29 06:30", "2025-12-29 08:30"),
    ],
)
def test_the_next_moment_to_send_and_when_it_arrives(
    rail: str, moment: str, sent: str, arrives: str
) -> None:
    found = KNOWN[rail].next_send(at(moment), ID)
    assert found == at(sent)
    assert KNOWN[rail].arrives(found) == at(arrives)


def test_the_last_moment_to_send() -> None:
    rtgs = KNOWN["RTGS"]
    assert rtgs.last_send(at("2026-03-24 12:00"), ID) == at("2026-03-17 16:30")
    assert rtgs.last_send(at("2026-03-17 12:00"), ID) == at("2026-03-17 12:00")


@pytest.mark.parametrize(
    ("amount", "carried", "transfers"),
    [
        (100_000_000, {"BI-FAST", "SKN", "same-bank"}, {"BI-FAST": 1, "RTGS": None, "SKN": 1}),
        (250_000_000, {"BI-FAST", "RTGS", "SKN", "same-bank"}, {"BI-FAST": 1, "RTGS": 1, "SKN": 1}),
        (250_000_001, {"RTGS", "SKN", "same-bank"}, {"BI-FAST": 2, "RTGS": 1, "SKN": 1}),
        (1_878_400_000, {"RTGS", "same-bank"}, {"BI-FAST": 8, "RTGS": 1, "SKN": 2}),
    ],
)
def test_what_a_transfer_carries(amount: int, carried: set[str], transfers: dict[str, Any]) -> None:
    assert {n for n, r in KNOWN.items() if r.carries(Decimal(amount))} == carried
    assert {n: KNOWN[n].transfers(Decimal(amount)) for n in transfers} == transfers


def test_fees() -> None:
    assert {n: int(r.fee) for n, r in KNOWN.items()} == {
        "BI-FAST": 2_500, "RTGS": 25_000, "SKN": 2_900, "same-bank": 0
    }  # fmt: skip


def test_a_year_without_a_table_is_not_guessed() -> None:
    with pytest.raises(HolidaysMissing, match="2027"):
        KNOWN["RTGS"].next_send(at("2026-12-31 17:00"), ID)
    assert KNOWN["BI-FAST"].next_send(at("2027-01-01 17:00"), ID) == at("2027-01-01 17:00")


OWN = """
[[rails]]
name = "RTGS"
cutoff = "16:00"
hours = [{ day = 2026-12-31, cutoff = "20:00", reason = "year-end" }, { day = 2026-07-01, closed = true }]
[[rails]]
name = "RTGS"
bank = "BCA"
cutoff = "14:00"
[[rails]]
name = "payout"
limit = 50000000
fee = "1500"
every_day = true
settles = "15m"
"""


def test_finops_toml_changes_and_adds_rails(tmp_path: Path) -> None:
    root = w.make(tmp_path / "books").root
    with (root / "finops.toml").open("a") as file:
        file.write(OWN)
    declared = Workspace.open(root).config.rails
    ours, theirs = rails.known(declared), rails.known(declared, "BCA")
    assert ours["RTGS"].next_send(at("2026-03-17 16:00"), ID) == at("2026-03-25 06:30")
    assert theirs["RTGS"].next_send(at("2026-03-17 14:00"), ID) == at("2026-03-25 06:30")
    assert rails.known(declared, "Mandiri")["RTGS"].cutoff == "16:00"
    assert theirs["RTGS"].fee == 25_000  # what is not given stays
    assert ours["RTGS"].next_send(at("2026-12-31 19:00"), ID) == at("2026-12-31 19:00")
    assert ours["RTGS"].next_send(at("2026-07-01 10:00"), ID) == at("2026-07-02 06:30")
    assert ours["payout"].transfers(Decimal(120_000_000)) == 3
    assert rails.known() == KNOWN


def test_hours_may_open_a_closed_day() -> None:
    opened = {"day": date(2026, 3, 23), "open": True, "reason": "branch duty"}
    own = rails.known([Rail.model_validate({"name": "RTGS", "hours": [opened]})])
    assert own["RTGS"].next_send(at("2026-03-18 10:00"), ID) == at("2026-03-23 06:30")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"name": "RTGS", "cutoff": "06:00"}, "it closes at 06:00, and opens only at 06:30"),
        ({"name": "BI-FAST", "minimum": 250000001}, "the limit 250000000 is below the minimum"),
        ({"name": "RTGS", "hours": [{"day": date(2026, 7, 1), "cutoff": "05:00"}]}, "on 2026-07-01"),
    ],
)  # fmt: skip
def test_a_rail_that_contradicts_itself(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        rails.known([Rail.model_validate(keys)])


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"name": "X", "cutoff": "16.30"}, "no time of a day"),
        ({"name": "X", "limit": 0}, "greater than 0"),
        ({"name": "X", "fee": 0.5}, "write the number as text"),
        ({"name": "X", "zone": "WIB"}, "unknown time zone"),
        ({"name": "X", "hours": [{"day": date(2026, 7, 1)}]}, "give closed = true, or open"),
        ({"name": "X", "hours": [{"day": date(2026, 7, 2), "until": date(2026, 7, 1), "closed": True}]},
         "end before they begin"),
    ],
)  # fmt: skip
def test_a_rail_that_is_not_clear_is_refused(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Rail.model_validate(keys)


def test_rails_of_finops_toml_are_checked(tmp_path: Path) -> None:
    root = w.make(tmp_path / "books").root
    with (root / "finops.toml").open("a") as file:
        file.write('[[rails]]\nname = "RTGS"\n[[rails]]\nname = "RTGS"\n')
    with pytest.raises(UsageError, match=r"finops\.toml.*rail RTGS stands twice"):
        Workspace.open(root)
