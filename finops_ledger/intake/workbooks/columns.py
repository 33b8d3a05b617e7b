"""The cells of a sheet as columns of text, whole columns at a time.

A cell that has no faithful text carries :data:`MARK` and a letter before what is left of it:

``d``  a number with more digits than a cell can hold: the file itself has lost the others
``e``  an error value such as #N/A
``f``  a formula whose value was never stored
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

#: XML knows no such character, so no text of a workbook begins with it by accident.
MARK: Final = "\x1a"
LOST, ERROR, FORMULA = f"{MARK}d", f"{MARK}e", f"{MARK}f"

_TOP: Final = 64
#: A cell holds 15 decimal digits (ECMA-376 part 1, 18.17.2.7 leaves it to IEEE 754 doubles).
DIGITS: Final = 15
#: Digits beyond which a number is not taken for a short one with the noise of binary arithmetic.
SHORT: Final = 12
#: Between these Arrow writes no exponent.
_PLAIN: Final = (1e-4, 1e10)
#: Types whose cells are written a column at a time.
_WHOLE: Final = frozenset({str, float, datetime, date})
_FIFTEEN: Final = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)


def text_column(cells: Sequence[Any]) -> pa.Array:
    """Return a column of cells as text; empty cells are null.

    Titles and header stand at the top of a column, totals at its end: between them the cells are of
    one kind and go whole.
    """
    if len(cells) <= 4 * _TOP:
        return _column(cells)
    parts = (cells[:_TOP], cells[_TOP:-_TOP], cells[-_TOP:])
    return pa.concat_arrays([_column(part) for part in parts])


def _column(cells: Sequence[Any]) -> pa.Array:
    kinds = set(map(type, cells))
    if not kinds <= _WHOLE:
        return _texts([_TEXT[type(c)](c) for c in cells])
    parts = []
    if float in kinds:
        parts.append(numbers_text(pa.array(_only(cells, kinds, float), pa.float64())))
    if datetime in kinds:
        parts.append(_moments(pa.array(_only(cells, kinds, datetime), pa.timestamp("us"))))
    if date in kinds:  # midnight comes as a date alone
        days = pa.array(_only(cells, kinds, date), pa.date32())
        parts.append(_moments(days.cast(pa.timestamp("us"))))
    if str in kinds:
        parts.append(_texts(_only(cells, kinds, str)))
    return parts[0] if len(parts) == 1 else pc.coalesce(*parts)


def _only(cells: Sequence[Any], kinds: set[type], wanted: type) -> Sequence[Any]:
    """Return the cells of one type; None in the place of the others."""
    return cells if len(kinds) == 1 else [c if type(c) is wanted else None for c in cells]


def _moments(moments: pa.Array) -> pa.Array:
    """Return moments as text; a fraction of a second only where there is one."""
    try:
        return moments.cast(pa.timestamp("s")).cast(pa.string())
    except pa.ArrowInvalid:
        return pc.replace_substring_regex(moments.cast(pa.string()), r"\.?0{1,6}$", "")


def _texts(cells: Sequence[str]) -> pa.Array:
    column = pa.array(cells, pa.string())
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def numbers_text(numbers: pa.Array) -> pa.Array:
    """Return numbers as plain decimal text, the shortest that means them."""
    numbers = pc.add(numbers, 0)  # there is no negative nought in books
    size = pc.abs(numbers)
    whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(size, 10**DIGITS))
    if pc.all(whole).as_py():
        return numbers.cast(pa.int64()).cast(pa.string())
    column = numbers.cast(pa.string())
    # What is short and without exponent is right as it stands; the others are looked at one by one.
    plain = pc.and_(pc.greater(size, _PLAIN[0]), pc.less(size, _PLAIN[1]))
    short = pc.and_(
        pc.less_equal(pc.binary_length(column), DIGITS), pc.or_(pc.equal(size, 0), plain)
    )
    odd = pc.invert(pc.fill_null(short, True))
    if not pc.any(odd).as_py():
        return column
    values = [number_text(n) for n in numbers.filter(odd).to_pylist()]
    return pc.replace_with_mask(column, odd, pa.array(values, pa.string()))


def number_text(number: Any) -> str:
    """Return one number as plain decimal text; marked when the cell cannot have held all its digits.

    The noise that binary arithmetic leaves behind a short number (0.1 + 0.2) is taken off, as a
    spreadsheet does when it shows the cell.
    """
    shown = repr(number)
    value = Decimal(shown)
    if not value.is_finite() or abs(value) >= 10**DIGITS:
        return f"{LOST}{shown}"
    if _digits(value) > DIGITS:
        rounded = _FIFTEEN.plus(value)
        if _digits(rounded) > SHORT:
            return f"{LOST}{shown}"
        value = rounded
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _digits(value: Decimal) -> int:
    return len(value.normalize().as_tuple().digits)


def _moment(value: datetime) -> str:
    text = f"{value:%Y-%m-%d %H:%M:%S}"
    return f"{text}.{value.microsecond:06d}".rstrip("0") if value.microsecond else text


def _clock(value: time) -> str:
    text = f"{value:%H:%M:%S}"
    return f"{text}.{value.microsecond:06d}".rstrip("0") if value.microsecond else text


def _span(value: timedelta) -> str:
    """Return a duration as [h]:mm:ss; hours may be more than 24."""
    sign, value = ("-", -value) if value < timedelta(0) else ("", value)
    seconds = value.days * 86_400 + value.seconds
    text = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{value.microseconds:06d}".rstrip("0") if value.microseconds else text


_TEXT: Final[dict[type, Callable[[Any], str]]] = {
    str: lambda value: value,
    float: number_text,
    int: lambda value: str(value) if abs(value) < 10**DIGITS else f"{LOST}{value}",
    bool: lambda value: "TRUE" if value else "FALSE",
    date: lambda value: f"{value:%Y-%m-%d} 00:00:00",
    datetime: _moment,
    time: _clock,
    timedelta: _span,
}
