"""Times as partners write them: one moment, or refused; never the likelier of two."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from finops_ledger.core.errors import InputRefused, UsageError
from finops_ledger.intake import forms, times
from tests.intake.cells_at_hand import CONNECTION, codes, read_cells

FIELDS = '[fields]\nref = "id"\namount = "n"\noccurred_at = "t"\n'
COLUMNS = ["id", "n", "t"]


def when(times_: str, cell: str, *, fields: str = FIELDS, **given: object) -> datetime:
    """The moment of a cell, in UTC."""
    row = read_cells(f"[times]\n{times_}\n{fields}", COLUMNS, [["A", "1", cell]], **given)[0]
    moment: datetime = row["occurred_at"]
    return moment


def refusal(times_: str, cell: str, **given: object) -> set[str]:
    return codes(f"[times]\n{times_}\n{FIELDS}", COLUMNS, [["A", "1", cell]], **given)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


NOON = utc(2026, 8, 17, 5, 0)  # noon in Jakarta


@pytest.mark.parametrize(
    ("words", "cell", "moment"),
    [
        ('format = "%Y-%m-%dT%H:%M:%S%z"', "2026-08-17T12:00:00+07:00", NOON),
        ('format = "%Y-%m-%dT%H:%M:%S%z"', "2026-08-17T05:00:00Z", NOON),
        ('format = "%Y-%m-%dT%H:%M:%S.%f%z"', "2026-08-17T12:00:00.250+07", NOON + timedelta(milliseconds=250)),
        ('format = "%Y-%m-%d %H:%M:%S %z"', "2026-08-16 21:00:00 -0800", NOON),
        ('format = "%Y-%m-%d %H:%M:%S %z"', "2026-08-17 14:30:00 +0930", NOON),
        ('format = "%s"', "1786942800", NOON),
        ('format = "%Q"', "1786942800250", NOON + timedelta(milliseconds=250)),
        ('format = "%d/%m/%Y %I:%M %p"', "17/08/2026 12:00 PM", NOON),
        ('format = "%d/%m/%Y %I:%M %p"', "17/08/2026 12:00 am", NOON - timedelta(hours=12)),
        ('format = "%-m/%-d/%Y %-I:%M:%S %p"', "8/17/2026 1:00:00 PM", NOON + timedelta(hours=1)),
        ('format = "%d %B %Y %H:%M"\nmonths = "id"', "17 Agustus 2026 12:00", NOON),
        ('format = "%d %B %Y %H:%M"\nmonths = "id"', "17 AGUSTUS 2026 12:00", NOON),
        ('format = "%d-%b-%y %H.%M"\nmonths = "id"', "17-Agt-26 12.00", NOON),
        ('format = "%d-%b-%y %H.%M"\nmonths = "id"', "17-Agu-26 12.00", NOON),
        ('format = "%d %b %Y %H:%M"\nmonths = "en+id"', "17 Aug 2026 12:00", NOON),
        ('format = "%d %b %Y %H:%M"\nmonths = "en+id"', "17 Agu 2026 12:00", NOON),
        ('format = "%d %b %Y %H:%M"', "17 Aug 2026 12:00", NOON),
        ('format = "%b %d, %Y %I:%M %p"', "Aug 17, 2026 12:00 PM", NOON),
        ('format = "%Y%j %H%M"', "2026229 1200", NOON),
        ('format = "excel"', "46251.5", NOON),
        ('format = "excel"', "46251.500000000004", NOON),
        ('format = "excel-1904"', "44789.5", NOON),
        ('format = ["%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M:%S", "%s"]', "17/08/2026 12:00", NOON),
        ('format = ["%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M:%S", "%s"]', "2026-08-17 12:00:00", NOON),
        ('format = ["%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M:%S", "%s"]', "1786942800", NOON),
        ('format = "%d/%m/%Y %H:%M %Z"\nzone = { map = { WIB = "+07:00", WIT = "+09:00" } }',
         "17/08/2026 14:00 WIT", NOON),
    ],
)  # fmt: skip
def test_as_partners_write_them(words: str, cell: str, moment: datetime) -> None:
    assert when(words, cell) == moment


@pytest.mark.parametrize(
    ("words", "cell"),
    [
        ('format = "%d %b %Y"', "17 Agu 2026"),
        ('format = "%d %B %Y"\nmonths = "id"', "17 Agu 2026"),
        ('format = "%d %b %Y"\nmonths = "id"', "17 Agustus 2026"),
        ('format = "%d %B %Y"\nmonths = "id"', "31 Juni 2026"),
        ('format = "%d/%m/%Y %I:%M %p"', "17/08/2026 13:00 PM"),
        ('format = "%d/%m/%Y %I:%M %p"', "17/08/2026 00:00 AM"),
        ('format = "%Y-%m-%d %H:%M:%S %z"', "2026-08-17 12:00:00 PST"),
        ('format = "%Y-%m-%d %H:%M:%S %z"', "2026-08-17 12:00:00 +2500"),
        ('format = "%Y-%m-%d %H:%M:%S %z"', "2026-08-17 12:00:00"),
        ('format = "%s"', "1786942800000"),
        ('format = "%s"', "123456789"),
        ('format = "%Q"', "1786942800"),
        ('format = "excel"', "60"),
        ('format = "excel"', "46251,5"),
        ('format = "excel-date"', "46251.5"),
        ('format = "%Y%j"', "2026366"),
        ('format = "%d/%m/%Y"', "\u200e17/08/2026"),
        ('format = "%d/%m/%Y"', "١٧/٠٨/٢٠٢٦"),
        ('format = "%d/%m/%Y"', "17/08/2026 "),
        ('format = "%d/%m/%Y"', "08/17/2026"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(words: str, cell: str) -> None:
    assert refusal(words, cell) == {"cell-time"}


def test_unknown_abbreviations_are_refused() -> None:
    words = 'format = "%d/%m/%Y %H:%M %Z"\nzone = { map = { WIB = "+07:00" } }'
    assert refusal(words, "17/08/2026 14:00 PST") == {"zone-unknown"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ('format = ["%d/%m/%Y", "%m/%d/%Y"]', "one text in two ways"),
        ('format = ["%d/%m/%Y", "%-m/%-d/%Y"]', "one text in two ways"),
        ('format = ["%d%m%y", "%y%m%d"]', "one text in two ways"),
        ('format = ["excel", "excel-1904"]', "one text in two ways"),
        ('format = ["%d/%m/%Y %H:%M", "%d/%m/%Y %M:%H"]', "one text in two ways"),
        ('format = "%-d%-m%Y"', "the next may not be a digit"),
        ('format = "%d/%m"', "has no year"),
        ('format = "%H:%M"', "does not tell the day"),
        ('format = "%d/%m/%Y %I:%M"', "%I and %p"),
        ('format = "%d/%d/%Y"', "twice"),
        ('format = "%s %z"', "stand alone"),
        ('format = "%Y-%m-%d %z"', "no hour"),
        ('format = "%Y-%m-%d %H:%M %z"\nzone = "Asia/Jakarta"', "carries its zone"),
        ('format = "%s"\nzone = "UTC"', "carries its zone"),
        ('format = "%Y-%m-%d %H:%M %Z"', "%Z needs a zone"),
        ('zone = { map = { WIB = "+07:00" } }', "needs %Z"),
        ('zone = { row = "Zona: (.*)" }', "every other one does"),
        ('zone = { row = "Zona: .*", map = { WIB = "+07:00" } }', "exactly one group"),
        ('zone = { name = "UTC", column = "t" }', "give one of"),
        ('zone = { column = "t", map = { PST = "PST8" } }', "unknown time zone"),
        ("format = []", "no form"),
    ],
)  # fmt: skip
def test_contradictions_are_refused_at_load(words: str, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)):
        when(words, "17/08/2026")


def test_forms_that_part_by_their_look_stand_together() -> None:
    known = ["%d/%m/%Y", "%d/%m/%Y %H:%M", "%Y-%m-%d", "%Y/%m/%d", "%d %b %Y", "%d %B %Y", "%s", "%Q",
             "excel", "%-d/%-m/%Y", "%Y%m%d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"]  # fmt: skip
    assert forms.clash(known) is None


def test_zone_stands_in_a_title_line() -> None:
    words = 'zone = { row = "Zona waktu: (\\\\w+)", map = { WIB = "+07:00", WITA = "+08:00" } }'
    file = "skip_lines = 1"
    cell = "2026-08-17 13:00:00"
    title = "Zona waktu: {}\n"
    assert when(words, cell, titles=title.format("WITA"), file=file) == NOON
    assert refusal(words, cell, titles=title.format("PST"), file=file) == {"zone-unknown"}
    assert refusal(words, cell, titles="Laporan\n", file=file) == {"zone-unknown"}
    with pytest.raises(InputRefused, match="WIB, WITA"):
        when(words, cell, titles=title.format("PST"), file=file)


def test_zone_stands_in_the_name_of_the_file() -> None:
    words = r"""zone = { file_name = '\((UTC[^)]*)\)', map = { "UTC+7" = "+07:00", "UTC+8" = "+08:00" } }"""
    cell = "2026-08-17 12:00:00"
    assert when(words, cell, name="income_20260817(UTC+7).csv") == NOON
    assert when(words, cell, name="income_20260817(UTC+8).csv") == NOON - timedelta(hours=1)
    assert refusal(words, cell, name="income_20260817(UTC+9).csv") == {"zone-unknown"}
    assert refusal(words, cell, name="income_20260817.csv") == {"zone-unknown"}


def test_date_and_time_of_day_in_two_columns() -> None:
    """As PayPal writes them, with the zone in a third."""
    words = """
[times]
format = "%d/%m/%Y %H:%M:%S"
zone = { column = "z", map = { PDT = "-07:00", PST = "-08:00" } }
[fields]
ref = "id"
amount = "n"
occurred_at = { join = ["d", "t"] }
"""
    columns = ["id", "n", "d", "t", "z"]
    row = read_cells(words, columns, [["A", "1", "16/08/2026", "22:00:00", "PDT"]])[0]
    assert (row["occurred_at"], row["day"]) == (NOON, date(2026, 8, 17))
    assert codes(words, columns, [["A", "1", "16/08/2026", "", "PDT"]]) == {"cell-time"}
    assert codes(words, columns, [["A", "1", "16/08/2026", "22:00:00", "CET"]]) == {"zone-unknown"}


def test_dates_stay_in_the_books_zone() -> None:
    words = 'zone = "America/New_York"\nformat = ["%d/%m/%Y", "%d/%m/%Y %H:%M"]'
    rows = [["A", "1", "17/08/2026"], ["B", "1", "17/08/2026 22:00"]]
    got = read_cells(f"[times]\n{words}\n{FIELDS}", COLUMNS, rows)
    assert [r["day"] for r in got] == [date(2026, 8, 17), date(2026, 8, 18)]
    assert when('format = "excel-date"\nzone = "UTC"', "46251") == utc(2026, 8, 16, 17)


@pytest.mark.parametrize(
    ("zone", "cell", "sound"),
    [
        ("America/New_York", "2026-11-01 01:30:00", False),  # twice
        ("America/New_York", "2026-11-01 00:59:59", True),
        ("America/New_York", "2026-11-01 02:00:00", True),
        ("America/New_York", "2026-03-08 02:30:00", False),  # never
        ("America/New_York", "2026-03-08 03:00:00", True),
        ("Europe/Berlin", "2026-10-25 02:30:00", False),
        ("Australia/Lord_Howe", "2026-04-05 01:45:00", False),  # half an hour
        ("Australia/Lord_Howe", "2026-04-05 01:15:00", True),
        ("Asia/Jakarta", "2026-11-01 01:30:00", True),
    ],
)  # fmt: skip
def test_local_times_that_clocks_show_twice_or_never(zone: str, cell: str, sound: bool) -> None:
    words = f'zone = "{zone}"'
    assert refusal(words, cell) == (set() if sound else {"time-ambiguous"})
    if sound:
        local = datetime.fromisoformat(cell).replace(tzinfo=ZoneInfo(zone))
        assert when(words, cell) == local.astimezone(UTC)


def test_zones_of_a_column_may_change_their_clocks() -> None:
    words = (
        '[times]\nzone = { column = "z", map = { NY = "America/New_York", WIB = "+07:00" } }\n'
        + FIELDS
    )
    columns = [*COLUMNS, "z"]
    cell = "2026-11-01 01:30:00"
    assert codes(words, columns, [["A", "1", cell, "WIB"]]) == set()
    assert codes(words, columns, [["A", "1", cell, "NY"]]) == {"time-ambiguous"}
    assert codes(words, columns, [["A", "1", cell, "LA"]]) == {"zone-unknown"}


def test_dates_without_a_year_in_words() -> None:
    words = 'format = "%d %b"\nmonths = "id"\nyear = "file_day"'
    given = {"file_day": date(2026, 1, 3)}
    assert when(words, "28 Des", **given) == utc(2025, 12, 27, 17)
    assert when(words, "02 Jan", **given) == utc(2026, 1, 1, 17)
    assert refusal(words, "17 Agu", **given) == {"cell-time"}


FORMS = ["%d/%m/%Y %H:%M:%S", "%-d/%-m/%Y %-H:%M:%S", "%d %B %Y %I:%M:%S %p", "%Y%j%H%M%S",
         "%Y-%m-%dT%H:%M:%S%z", "%d-%b-%Y %H:%M:%S %z", "%s", "%Q", "%y%m%d%H%M%S"]  # fmt: skip
MONTHS = {m: n for n, m in enumerate(
    ["Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September",
     "Oktober", "November", "Desember"], 1)}  # fmt: skip


def spell(moment: datetime, form: str) -> str:
    """Write a moment by hand, in Indonesian."""
    whole = list(MONTHS)[moment.month - 1]
    parts = {
        "%B": whole, "%b": whole[:3], "%-d": str(moment.day), "%-m": str(moment.month),
        "%-H": str(moment.hour), "%z": "+07:00",
        "%s": str(int(moment.replace(tzinfo=ZoneInfo("Asia/Jakarta")).timestamp())),
    }  # fmt: skip
    parts["%Q"] = parts["%s"] + "000"
    for token, text in parts.items():
        form = form.replace(token, text)
    return moment.strftime(form)


@settings(max_examples=100)
@given(
    form=st.sampled_from(FORMS),
    moment=st.datetimes(datetime(1990, 1, 2), datetime(2068, 12, 31)),  # noqa: DTZ001 - local
)
def test_what_is_written_reads_back(form: str, moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    text = spell(moment, form)
    if forms.is_zoned(form):
        sql = times.at_offset(
            times.local_time("v", form, "id"), times.offset_seconds("v", form, "id")
        )
    else:
        sql = times.to_utc(times.local_time("v", form, "id"), "Asia/Jakarta")
    found = CONNECTION.execute(f"SELECT {sql} FROM (SELECT ? AS v)", [text]).fetchone()
    assert found is not None
    assert found[0] == moment.replace(tzinfo=ZoneInfo("Asia/Jakarta")), text


@st.composite
def dates(draw: st.DrawFn) -> str:
    """A form of a date, in any order and with any signs between."""
    day, month = (
        draw(st.sampled_from(["%d", "%-d"])),
        draw(st.sampled_from(["%m", "%-m", "%b", "%B"])),
    )
    order = draw(st.permutations([day, month, draw(st.sampled_from(["%y", "%Y"]))]))
    return draw(st.sampled_from(["", "/", "-", " ", "1"])).join(order)


@settings(max_examples=200)
@given(
    one=dates(),
    two=dates(),
    moment=st.datetimes(datetime(2001, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - local
)
def test_forms_that_are_let_through_never_disagree(one: str, two: str, moment: datetime) -> None:
    """A text written in one form is not another time in the other."""
    assume(forms.clash([one, two]) is None)
    text = spell(moment, one)
    left, right = (times.local_time("v", form, "id") for form in (one, two))
    found = CONNECTION.execute(f"SELECT {left}, {right} FROM (SELECT ? AS v)", [text]).fetchone()
    assert found is not None
    assert found[0] is not None
    assert found[1] in (None, found[0])


_ALMOST = st.one_of(
    st.datetimes().map(
        lambda t: t.isoformat(" ", "seconds")
    ),
    st.from_regex(r"\A[12][09][0-9]{2}-[0-3]?[0-9]-[0-3][0-9][ T][0-9]{1,2}:[0-6][0-9]:[0-6][0-9]"
                  r"(\.0{1,6}|Z|[+]07| )?\Z"),
    st.sampled_from(["epoch", "infinity", "-infinity", "2026-03-02", "20260302 000000", "", "\t"]),
)  # fmt: skip


@given(st.lists(_ALMOST, min_size=1, max_size=30))
@settings(max_examples=100, deadline=None)
def test_a_time_proven_by_writing_it_again_is_the_one_that_fits_the_pattern(
    cells: list[str],
) -> None:
    by_pattern = times.local_time("v", times.ISO)
    by_proof = times.proven_iso("v", "t")
    found = CONNECTION.execute(
        f"SELECT v, {by_pattern}, {by_proof} FROM (SELECT v, {times.cast_iso('v')} AS t "
        "FROM (SELECT unnest($1) AS v))",
        [cells],
    ).fetchall()
    assert [(v, one) for v, one, _ in found] == [(v, other) for v, _, other in found]
