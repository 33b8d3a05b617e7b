"""Numbers as partners write them: read exactly, or refused; never cast."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from finops_ledger.core.errors import UsageError
from finops_ledger.intake.cells import number, parse_number
from finops_ledger.intake.spec import NumberSpec
from tests.intake.cells_at_hand import CONNECTION, codes, read_cells


def amounts(numbers: str, *cells: str, currency: str = "USD") -> list[Decimal]:
    words = f'[numbers]\n{numbers}\n[fields]\nref = "id"\namount = "amount"'
    rows = [[f"K{n}", c] for n, c in enumerate(cells)]
    return [r["amount"] for r in read_cells(words, ["id", "amount"], rows, currency=currency)]


def refused(numbers: str, cell: str, currency: str = "USD") -> bool:
    words = f'[numbers]\n{numbers}\n[fields]\nref = "id"\namount = "amount"'
    found = codes(words, ["id", "amount"], [["K", cell]], currency=currency)
    assert found in (set(), {"cell-number"})
    return bool(found)


@pytest.mark.parametrize(
    ("numbers", "cell", "value"),
    [
        ('currency_text = ["Rp", "Rp."]\nthousands = "."\ndecimal = ","', "Rp. 1.250.000", "1250000"),
        ('currency_text = ["Rp"]\nthousands = "."\ndecimal = ","', "-Rp49.800", "-49800"),
        ('currency_after = [",-"]\nthousands = "."\ndecimal = ","', "49.800,-", "49800"),
        ('currency_after = ["IDR"]\nthousands = ","', "49,800 IDR", "49800"),
        ("parentheses = true\nthousands = ','", "(1,234.50)", "-1234.50"),
        ("parentheses = true\nthousands = ','", "1,234.50", "1234.50"),
        ('parentheses = true\ncurrency_text = ["$"]', "$(12.00)", "-12"),
        ('parentheses = true\ncurrency_text = ["$"]', "($12.00)", "-12"),
        ("minus_behind = true\nthousands = ','", "1,234.50-", "-1234.50"),
        ("minus_behind = true", "1234.50", "1234.50"),
        ("minus_behind = true\nplus = true", "7+", "7"),
        ('minus_behind = true\ncurrency_after = [",-"]\ndecimal = ","', "49,---", None),
        ("bare_fraction = true", ".50", "0.50"),
        ("bare_fraction = true", "-.5", "-0.5"),
        ("bare_fraction = true", ".", None),
        ("", ".50", None),
        ("", "00000040500", "40500"),
        ("", "000000000000000040500.25", "40500.25"),
        ("minor_units = true", "000000001234", "12.34"),
        ("minor_units = true", "12.34", None),
        ("minor_units = 0", "1234", "1234"),
        ("minor_units = 3", "12340", "12.34"),
        ("minor_units = 3", "12345", None),
        ("parentheses = true", "(-5)", None),
        ("parentheses = true", "(5", None),
        ("parentheses = true\nminus_behind = true", "(5-)", None),
        ("parentheses = true", "-5", "-5"),
        ("minus_behind = true", "-5-", None),
        ("", "(5)", None),
        ("", "5-", None),
    ],
)  # fmt: skip
def test_as_partners_write_them(numbers: str, cell: str, value: str | None) -> None:
    if value is None:
        assert refused(numbers, cell)
    else:
        assert amounts(numbers, cell) == [Decimal(value)]


def test_rupiah_with_two_decimals_in_minor_units() -> None:
    """Stripe writes rupiah with two decimals although nobody pays sen."""
    assert amounts("minor_units = 2", "4980000", "-150000", "0", currency="IDR") == [
        49800,
        -1500,
        0,
    ]
    assert refused("minor_units = 2", "4980050", currency="IDR")
    assert amounts("minor_units = true", "49800", currency="IDR") == [49800]


@pytest.mark.parametrize(
    "cell",
    [
        "NaN", "nan", "Infinity", "-inf", "1e400", "1E5", "1_000", "9" * 40, "0" * 40, "0x1F",
        "１２３", "١٢٣", "۱۲۳", "1\u00a0000", "1\u2009000", "1\u202f000", "\u200f100", "\u200e100", "100\u200f",
        "\u202d100\u202c", "−100", "–100", "1.000,00", "1,000.00", "+5", "5 ", " 5", "½", "²", "1/2", "100%", "true",
        "5.", "1.2.3", "1'000", "１", "0b1", "--5", "Rp5", "5-", "(5)",
    ],
)  # fmt: skip
def test_what_is_no_plain_number_is_refused(cell: str) -> None:
    assert refused("", cell), cell


@pytest.mark.parametrize("blank", ["\u00a0", "\u2009", "\u202f", "\t"])
def test_only_a_plain_blank_parts_thousands(blank: str) -> None:
    words = 'thousands = " "\ntrim = true'
    assert amounts(words, "1 000 000") == [1000000]
    assert refused(words, f"1{blank}000")


def test_one_field_is_written_otherwise() -> None:
    """The bill in rupiah with dots, the fee in plain sen of two digits."""
    words = """
[numbers]
thousands = "."
decimal = ","
[fields]
ref = "id"
amount = "bill"
fee = { column = "fee", numbers = { thousands = "", decimal = ".", minor_units = 2 } }
[[identities]]
left = ["bill"]
right = ["net", "fee"]
"""
    columns = ["id", "bill", "fee", "net"]
    row = read_cells(words, columns, [["A", "49.800", "150000", "48.300"]])[0]
    assert (row["amount"], row["fee"]) == (49800, 1500)
    assert "cell-number" in codes(words, columns, [["A", "49.800", "1.500", "48.300"]])
    assert codes(words, columns, [["A", "49.800", "150000", "48.301"]]) == {"identity"}


def test_refunds_stand_without_a_minus() -> None:
    words = """
[fields]
ref = "id"
text = { join = ["bank", "type"], separator = " / " }
[fields.amount]
column = "amount"
negate_when = [{ column = "type", one_of = ["REFUND", "FEE"] }]
"""
    rows = [["A", "BCA", "PAYMENT", "10"], ["B", "", "REFUND", "3"], ["C", "BCA", "", "1"]]
    got = read_cells(words, ["id", "bank", "type", "amount"], rows)
    assert [r["amount"] for r in got] == [10, -3, 1]
    assert [r["text"] for r in got] == ["BCA / PAYMENT", "REFUND", "BCA"]


def test_several_marks() -> None:
    words = """
[fields]
ref = "id"
amount = { column = "n", marker = "dc", debit_mark = ["DB", "D"], credit_mark = ["CR", "K"] }
"""
    rows = [["A", "1", "DB"], ["B", "2", "D"], ["C", "3", "CR"], ["E", "4", "K"]]
    assert [r["amount"] for r in read_cells(words, ["id", "n", "dc"], rows)] == [-1, -2, 3, 4]
    assert codes(words, ["id", "n", "dc"], [["A", "1", "C"]]) >= {"cell-mark"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ('[fields]\nref = "id"\namount = { column = "n", marker = "id", debit_mark = ["D", "X"], '
         'credit_mark = "X" }', "'X' marks a debit and a credit"),
        ('[fields]\nref = "id"\namount = { column = "n", numbers = { decimal = "," } }\n'
         '[numbers]\nthousands = ","', "same character"),
        ('[fields]\nref = { column = "id", numbers = { trim = true } }\namount = "n"', "no number"),
        ('[fields]\nref = "id"\namount = { column = "n", numbers = { trim = true } }\n'
         'fee = { column = "n", numbers = { plus = true } }', "another field reads column 'n'"),
        ('[numbers]\ncurrency_after = ["-"]\n[fields]\nref = "id"\namount = "n"', "'-' beside a number"),
        ('[numbers]\ncurrency_text = ["1"]\n[fields]\nref = "id"\namount = "n"', "'1' beside a number"),
        ('[numbers]\ncurrency_text = ["Rp."]\nbare_fraction = true\n[fields]\nref = "id"\namount = "n"',
         "may not end with the decimal mark"),
        ('[numbers]\nminor_units = 5\n[fields]\nref = "id"\namount = "n"', "minor_units"),
    ],
)  # fmt: skip
def test_contradictions_are_refused_at_load(words: str, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)):
        read_cells(words, ["id", "n"], [["A", "1"]])


@st.composite
def specs(draw: st.DrawFn) -> NumberSpec:
    flags = {n: draw(st.booleans()) for n in
             ("parentheses", "minus_behind", "bare_fraction", "trim", "plus")}  # fmt: skip
    text = draw(st.sampled_from([(), ("Rp",), ("Rp.", "IDR"), ("$", "US$")]))
    after = draw(st.sampled_from([(), (",-",), ("IDR", "=")[:1], ("%",)]))
    try:
        return NumberSpec(
            decimal=draw(st.sampled_from(".,")),
            thousands=draw(st.sampled_from(["", ".", ",", " ", "'"])),
            currency_text=text,
            currency_after=after,
            **flags,
        )
    except ValidationError:
        assume(False)
        raise


def spell(value: Decimal, spec: NumberSpec, draw: st.DataObject) -> str:
    """Write a number in one of the ways that a format allows."""
    grouped = draw.draw(st.booleans())
    whole, _, fraction = f"{abs(value):,.2f}".partition(".")
    whole = whole.replace(",", spec.thousands if grouped else "")
    if spec.bare_fraction and whole == "0" and draw.draw(st.booleans()):
        whole = ""
    body = whole + spec.decimal + fraction
    if spec.currency_after and draw.draw(st.booleans()):
        body += draw.draw(st.sampled_from(["", " "])) + draw.draw(
            st.sampled_from(spec.currency_after)
        )
    money = ""
    if spec.currency_text and draw.draw(st.booleans()):
        money = draw.draw(st.sampled_from(spec.currency_text)) + draw.draw(
            st.sampled_from(["", " "])
        )
    ways = [f"-{money}{body}"]
    if value >= 0:
        ways = [money + body] + ([f"+{money}{body}"] if spec.plus else [])
    elif spec.parentheses:
        ways += [f"({money}{body})"]
    if value < 0 and spec.minus_behind:
        ways += [f"{money}{body}-"]
    blank = " " if spec.trim and draw.draw(st.booleans()) else ""
    return blank + draw.draw(st.sampled_from(ways)) + blank


def by_engine(text: str, spec: NumberSpec, digits: int) -> Decimal | None:
    found = CONNECTION.execute(
        f"SELECT {number('v', spec, digits)} FROM (SELECT ? AS v)", [text]
    ).fetchone()
    assert found is not None
    return found[0]


values = st.decimals(min_value=-(10**13), max_value=10**13, places=2, allow_nan=False)


@settings(max_examples=150)
@given(spec=specs(), value=values, data=st.data())
def test_a_number_written_as_the_format_allows_reads_back(
    spec: NumberSpec, value: Decimal, data: st.DataObject
) -> None:
    text = spell(value, spec, data)
    assert by_engine(text, spec, 2) == value, text
    assert parse_number(text, spec, 2) == value, text


def oracle(text: str, spec: NumberSpec) -> Decimal | None:
    """Read a number by hand, step by step; None when a step finds what may not be there."""
    if spec.trim:
        text = text.strip(" ")
    sign, seen = 1, 0
    if spec.parentheses and text.endswith(")"):
        for name in ("", *spec.currency_text):
            for gap in ("", " ") if name else ("",):
                if text.startswith(f"{name}{gap}("):
                    inner = text[len(name + gap) + 1 : -1]
                    bare = spec.model_copy(update={
                        "parentheses": False, "minus_behind": False, "plus": False, "trim": False,
                        "currency_text": () if name else spec.currency_text,
                    })  # fmt: skip
                    value = None if inner.lstrip("RpIDUS$. ")[:1] == "-" else oracle(inner, bare)
                    if value is not None:
                        return -value
        return None
    signs = "+-" if spec.plus else "-"
    if (
        spec.minus_behind
        and text[-1:]
        and text[-1] in signs
        and not text.endswith(spec.currency_after or "\0")
    ):
        sign, text, seen = (-1 if text[-1] == "-" else 1), text[:-1], 1
    if text[:1] and text[0] in signs:
        if seen:
            return None
        sign, text, seen = (-1 if text[0] == "-" else 1), text[1:], 1
    for name in sorted(spec.currency_text, key=len, reverse=True):
        if text.startswith(name):
            text = text[len(name) :].removeprefix(" ")
            if text[:1] and text[0] in signs and not seen:
                sign, text = (-1 if text[0] == "-" else 1), text[1:]
            break
    for name in sorted(spec.currency_after, key=len, reverse=True):
        if text.endswith(name):
            text = text[: -len(name)].removesuffix(" ")
            break
    whole, mark, fraction = text.partition(spec.decimal)
    if mark and not (fraction.isascii() and fraction.isdigit() and (
        len(fraction) <= 2 or (len(fraction) == 4 and fraction.endswith("00")))):  # fmt: skip
        return None
    if not whole and not (spec.bare_fraction and mark):
        return None
    if spec.thousands and spec.thousands in whole:
        first, *others = whole.split(spec.thousands)
        if not 1 <= len(first) <= 3 or any(len(o) != 3 for o in others):
            return None
        whole = first + "".join(others)
        if len(whole) > 14:
            return None
    if whole and not (whole.isascii() and whole.isdigit() and len(whole.lstrip("0") or "0") <= 14):
        return None
    return sign * Decimal(f"{whole or '0'}.{fraction or '0'}")


@settings(max_examples=300)
@given(spec=specs(), value=values, data=st.data())
def test_a_mutilated_number_is_read_as_python_reads_it_or_refused(
    spec: NumberSpec, value: Decimal, data: st.DataObject
) -> None:
    text = list(spell(value, spec, data))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        what = data.draw(st.sampled_from(["drop", "insert", "swap"]))
        if what == "drop" and at < len(text):
            del text[at]
        elif what == "insert":
            text.insert(
                at, data.draw(st.sampled_from([*"0123456789.,-+() '%eERp_", "\u00a0", "٣"]))
            )
        elif at + 1 < len(text):
            text[at], text[at + 1] = text[at + 1], text[at]
    written = "".join(text)
    assume(written)
    expected = oracle(written, spec)
    assert by_engine(written, spec, 2) == expected, written
    assert parse_number(written, spec, 2) == expected, written
