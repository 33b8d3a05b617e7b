"""A number that two sources write otherwise is one number in the rows, and one hash."""

from __future__ import annotations

import pytest

from tests.intake.cells_at_hand import read_cells

WORDS = """
[fields]
ref = "id"
customer = {{ column = "phone", normalise = {forms} }}
occurred_at = "at"
amount = "paid"
{privacy}
"""


def customers(forms: str, *phones: str, privacy: str = "", **info: bytes) -> list[str | None]:
    rows = [(f"T{n}", phone, "2026-03-02 10:00:00", "1") for n, phone in enumerate(phones)]
    words = WORDS.format(forms=forms, privacy=privacy)
    found = read_cells(words, ["id", "phone", "at", "paid"], rows, **info)
    return [row["customer"] for row in found]


def test_forms_of_a_mobile_number_are_one() -> None:
    made = customers(
        '["msisdn"]', "081234567890", "6281234567890", "+62 812-3456-7890", "0062 812 3456 7890"
    )
    assert made == ["6281234567890"] * 4


@pytest.mark.parametrize("number", ["012345678901", "81234567890", "530000123456", "0812"])
def test_what_is_no_mobile_number_stays_as_it_is(number: str) -> None:
    assert customers('["msisdn"]', number) == [number]


def test_other_forms_in_the_order_given() -> None:
    assert customers('["upper", "strip"]', "ab-00.1 2") == ["AB0012"]
    assert customers('["digits"]', "No. 0012-3", "none") == ["00123", None]


def test_the_form_is_one_before_it_is_hashed() -> None:
    hidden = '[privacy]\nhash = ["customer"]'
    one, two, other = customers(
        '["msisdn"]', "081234567890", "+6281234567890", "081234567891", privacy=hidden, secret=b"k"
    )
    assert one == two != other
    assert one is not None
    assert one.endswith("~890")
