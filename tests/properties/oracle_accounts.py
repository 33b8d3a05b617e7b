"""A slow, obvious reconciler of the legs whose account is its own list: two columns of sums, rules written out.

It shares no code with the engine. An item is a key on which both sides write amounts; what adds up to nothing is
done and forgotten, the rest waits and breaks as ``docs/reference/breaks.md`` says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

Key = tuple[str, str]


@dataclass(frozen=True)
class Moves:
    """One amount on one side of a leg; ``occurrence``: "" or what the gateway calls the movement."""

    day: date
    key: str
    amount: int
    occurrence: str = ""


@dataclass
class Open:
    """What stands on a key, and when either side last said something of it."""

    left: int = 0
    right: int = 0
    left_day: date | None = None
    right_day: date | None = None


@dataclass
class Account:
    """Run it day by day; ``run`` lists (class, residue) by (key, occurrence) at the end of each day."""

    grace: int
    left_only: str
    right_only: str = ""
    more: str = ""
    less: str = ""
    waits_as: str = "timing"
    #: What the right side says again of a key that was settled is a difference of that, and nothing unknown.
    remembers: bool = False
    items: dict[Key, Open] = field(default_factory=dict)
    done: dict[Key, Open] = field(default_factory=dict)

    def run(self, day: date, left: list[Moves], right: list[Moves]) -> dict[Key, tuple[str, int]]:
        said = {(one.key, one.occurrence) for one in left} | self.items.keys()
        for one in right:
            key = (one.key, one.occurrence)
            if self.remembers and key in self.done and key not in said:
                self.items.setdefault(key, self.done[key])
        for one in left:
            item = self.items.setdefault((one.key, one.occurrence), Open())
            item.left, item.left_day = item.left + one.amount, day
        for one in right:
            item = self.items.setdefault((one.key, one.occurrence), Open())
            item.right, item.right_day = item.right - one.amount, day
        met = {k: i for k, i in self.items.items() if i.left_day and i.right_day}
        self.done |= {k: i for k, i in met.items() if not i.left + i.right}
        self.items = {k: i for k, i in self.items.items() if i.left + i.right}
        return {k: self._class(k, i, day) for k, i in self.items.items()}

    def _class(self, key: Key, item: Open, day: date) -> tuple[str, int]:
        rest = item.left + item.right
        if key[1] == "chargeback":
            return "chargeback", rest
        if key[1] == "refund" and item.left_day and item.right_day:
            return "refund_mismatch", rest
        if item.left_day and item.right_day:
            return (self.more if rest > 0 else self.less), rest
        said = item.left_day or item.right_day
        assert said is not None
        if said + timedelta(days=self.grace) > day:
            return self.waits_as, rest
        if key[1] == "refund":
            return "refund_mismatch", rest
        return (self.left_only if item.left_day else self.right_only), rest
