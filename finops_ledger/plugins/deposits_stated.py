"""What entries say of a partner's own statement, and how several statements of a day make one."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from beancount.core.data import Transaction

from finops_ledger.plugins.errors import word


class Statement(NamedTuple):
    """What one entry says about the partner's own balance; what it does not say is None."""

    entry: Transaction
    opening: Decimal | None
    closing: Decimal | None
    low: Decimal | None

    def identity(self) -> tuple[object, ...]:
        """Entries of one batch and day may repeat the same statement."""
        batch = word(self.entry.meta.get("batch")) or id(self.entry)
        return batch, self.opening, self.closing


class OfDay(NamedTuple):
    """What the entries of a day say of one account: its statements, and how deep its rows go."""

    statements: list[Statement]
    dips: list[tuple[Decimal, Transaction]]


def ends(
    statements: list[Statement], expected: Decimal
) -> tuple[Decimal | None, Decimal | None] | None:
    """Return where a day's statements open and close, whatever their order; None with a gap.

    1000 to 900 and 900 to 700 are one statement 1000 to 700: what opens where nothing closes is the
    opening, what closes where nothing opens is the closing. A day that ends where it began is a
    circle, and opens at ``expected`` if any of its statements does.
    """
    first, last = statements[0], statements[-1]
    openings = [s.opening for s in statements if s.opening is not None]
    closings = [s.closing for s in statements if s.closing is not None]
    if len(statements) == 1 or not len(openings) == len(closings) == len(statements):
        return first.opening, last.closing
    starts, ends = Counter(openings), Counter(closings)
    starts.subtract(closings)
    ends.subtract(openings)
    opens = [value for value, times in starts.items() if times > 0]
    closes = [value for value, times in ends.items() if times > 0]
    if not opens:
        start = expected if expected in openings else first.opening
        return start, start
    if len(opens) == len(closes) == starts[opens[0]] == ends[closes[0]] == 1:
        return opens[0], closes[0]
    return None
