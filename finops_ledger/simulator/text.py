"""Columns of text, built whole: times, ids and rupiah, and the writing of a file in pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Column: TypeAlias = Any
Columns: TypeAlias = Callable[[int, int], Sequence[Column]]

#: Rows that are formatted and written at one time.
PIECE = 500_000
_WORKERS = 4


def numbers(values: Ints, shown: Bools | None = None) -> Column:
    """Write integers as plain digits; empty where not ``shown``."""
    return pc.cast(pa.array(values, mask=None if shown is None else ~shown), pa.string())


def labelled(prefix: str, values: Ints, shown: Bools | None = None) -> Column:
    """Write ids as ``prefix`` and digits; empty where not ``shown``."""
    return pc.binary_join_element_wise(prefix, numbers(values, shown), "")


def words(codes: npt.NDArray[Any], choices: Sequence[str], shown: Bools | None = None) -> Column:
    """Write one of ``choices`` by its code; empty where not ``shown``."""
    indices = pa.array(np.asarray(codes, np.int32), mask=None if shown is None else ~shown)
    return pa.DictionaryArray.from_arrays(indices, pa.array(choices, pa.string())).cast(pa.string())


def same(word: str, count: int) -> Column:
    """Write the same word on every row."""
    return words(np.zeros(count, np.int32), [word])


def joined(*columns: Column) -> Column:
    """Join columns of text without anything between; empty where one of them is."""
    return pc.binary_join_element_wise(*columns, "")


def cents(values: Ints) -> Column:
    """Write rupiah with two decimals: ``51000.00``."""
    return joined(numbers(values), ".00")


def times(epoch: Ints, shown: Bools | None = None) -> Column:
    """Write local seconds as ``YYYY-MM-DD HH:MM:SS``; empty where not ``shown``."""
    stamps = pa.array(epoch, mask=None if shown is None else ~shown).cast(pa.timestamp("s"))
    return stamps.cast(pa.string())


def indonesian_times(epoch: Ints) -> Column:
    """Write local seconds as ``DD/MM/YYYY HH:MM:SS``."""
    days = epoch // 86400
    first = int(days.min()) if len(days) else 0
    count = int(days.max()) - first + 1 if len(days) else 0
    dates = pc.strftime(
        pa.array(np.arange(first, first + count) * 86400).cast(pa.timestamp("s")), format="%d/%m/%Y"
    ).to_pylist()
    clock = pc.utf8_slice_codeunits(times(epoch), 10)
    return joined(words(days - first, dates), clock)


@lru_cache(maxsize=1)
def _six_digits() -> Column:
    """Return ``000.000`` to ``999.999``."""
    low = words(np.tile(np.arange(1000), 1000), [f"{i:03}" for i in range(1000)])
    high = words(np.repeat(np.arange(1000), 1000), [f"{i:03}." for i in range(1000)])
    return joined(high, low)


def dotted(values: Ints, shown: Bools | None = None) -> Column:
    """Write rupiah with dots between thousands (``49.800``); empty where not ``shown``.

    Amounts are not negative here. Many values are put together from two tables: millions and rest.
    """
    hidden = None if shown is None else ~shown
    if len(values) < 2_000:
        text = [f"{value:,}".replace(",", ".") for value in values.tolist()]
        return pa.array(text, pa.string(), mask=hidden)
    millions, rest = np.divmod(values, 1_000_000)
    first, last = int(millions.min()), int(millions.max())
    heads = ["" if m == 0 else f"{m:,}.".replace(",", ".") for m in range(first, last + 1)]
    low = pa.DictionaryArray.from_arrays(
        pa.array(rest.astype(np.int32), mask=hidden), _six_digits()
    )
    text = joined(words(millions - first, heads), low.cast(pa.string()))
    if first == 0:
        small = pa.array(values < 1_000_000)
        short = pc.utf8_ltrim(text, characters="0.")
        short = pc.if_else(pa.array(values == 0), pa.scalar("0"), short)
        text = pc.if_else(small, short, text)
    return (
        text if hidden is None else pc.if_else(pa.array(hidden), pa.scalar(None, pa.string()), text)
    )


def _encode(columns: Sequence[Column], separator: str) -> pa.Buffer:
    table = pa.table(list(columns), names=[str(i) for i in range(len(columns))])
    sink = pa.BufferOutputStream()
    options = csv.WriteOptions(include_header=False, delimiter=separator, quoting_style="none")
    csv.write_csv(table, sink, options)
    return sink.getvalue()


def write(
    path: Path, head: str, columns: Columns, count: int, *, separator: str = ",", tail: str = ""
) -> None:
    """Write ``head``, ``count`` rows and ``tail``; ``columns(lo, hi)`` gives a piece of rows."""
    pieces = [(lo, min(lo + PIECE, count)) for lo in range(0, count, PIECE)]

    def encode(piece: tuple[int, int]) -> pa.Buffer:
        return _encode(columns(*piece), separator)

    with path.open("wb") as file:
        file.write(head.encode())
        if len(pieces) <= 1:
            for piece in pieces:
                file.write(encode(piece))
        else:
            waiting = iter(pieces)
            with ThreadPoolExecutor(_WORKERS) as pool:
                while batch := list(islice(waiting, _WORKERS)):
                    for buffer in pool.map(encode, batch):
                        file.write(buffer)
        file.write(tail.encode())
