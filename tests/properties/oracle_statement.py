"""A slow, obvious comparison of a partner's two files: its transactions and its deposit statement.

It shares no code with the engine. Rows of one order are added up on each side; what names no order is known by its
own number, and closes at once if it gives back what another such movement took.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta


@dataclass(frozen=True)
class Line:
    """One row of either file: by what it moves the deposit, or says that it was moved."""

    day: date
    own: str  # the partner's own number: one movement bears the same in both files
    ref: str
    amount: int
    stated: bool
    orig: str = ""


@dataclass
class Said:
    """What both files have said of one order, and when last."""

    said: int = 0
    moved: int = 0
    said_on: date | None = None
    moved_on: date | None = None
    by_number: bool = False  # a pass has put it together: that is kept, and remembered

    @property
    def rest(self) -> int:
        return self.said - self.moved


@dataclass
class Statements:
    """Run it day by day; ``run`` lists class and residue by order at the end of each day."""

    grace: int
    items: dict[str, Said] = field(default_factory=dict)
    of_own: dict[str, str] = field(default_factory=dict)  # the order under which a number stands

    def run(self, day: date, lines: list[Line]) -> dict[str, tuple[str, int]]:
        before = {name for name, item in self.items.items() if item.rest}
        names = {line: self._name(line, lines) for line in lines}
        self._give_back(names, before)
        for line, name in names.items():
            self.of_own.setdefault(line.own, name)
            item = self.items.setdefault(name, Said())
            if line.stated:
                item.moved, item.moved_on = item.moved + line.amount, day
            else:
                item.said, item.said_on = item.said + line.amount, day
            item.by_number |= bool(not line.ref and not line.orig and not name.startswith("~"))
        # What adds up to nothing is done and forgotten: a later row of the order begins anew.
        self.items = {n: i for n, i in self.items.items() if i.rest or i.by_number}
        return {n: self._class(n, i, day) for n, i in self.items.items() if i.rest}

    def _name(self, line: Line, lines: list[Line]) -> str:
        """The order that a row names; else that of the other file's row of its number, if it wants one still."""
        if line.ref:
            return line.ref
        number = line.orig or line.own
        stands = self.of_own.get(number, f"~{number}")
        if line.orig:
            return stands if stands.startswith("~") and stands in self.items else f"~{number}"
        others = [o for o in lines if o.own == line.own and o.stated != line.stated and o.ref]
        order = others[0].ref if others else stands
        return order if order.startswith("~") or self._wants(order, line, lines) else f"~{number}"

    def _wants(self, order: str, line: Line, lines: list[Line]) -> bool:
        """Whether the file of a row has said nothing of an order yet that the other one names."""
        if any(o.ref == order and o.stated == line.stated for o in lines):
            return False
        item = self.items.get(order)
        if item is None:  # named today for the first time, or done with
            return any(o.ref == order for o in lines)
        return item.rest != 0 and (item.moved_on if line.stated else item.said_on) is None

    def _give_back(self, names: dict[Line, str], before: set[str]) -> None:
        """A movement of the statement that names nothing closes the one open item that it gives back exactly."""
        sums: dict[str, int] = {}
        transacted = {n for one, n in names.items() if not one.stated}
        for line, name in names.items():
            alone = name.startswith("~") and name not in self.items and name not in transacted
            if line.stated and alone and list(names.values()).count(name) == 1:
                sums[name] = line.amount
        for name, amount in sums.items():
            open_ = [n for n in before if n.startswith("~") and self.items[n].rest == amount]
            if len(open_) == 1 and list(sums.values()).count(amount) == 1:
                for line in [one for one, n in names.items() if n == name]:
                    names[line] = open_[0]

    def _class(self, name: str, item: Said, day: date) -> tuple[str, int]:
        if name.startswith("~") or (item.said_on and item.moved_on):
            return "unexplained_movement", item.rest
        only = item.said_on or item.moved_on
        assert only is not None
        waits = only + timedelta(days=self.grace) > day
        return ("timing" if waits else "unexplained_movement"), item.rest
