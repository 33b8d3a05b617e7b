"""A slow, obvious pairing of top-ups: what the bank sent, what the partner credited, told apart by amounts alone.

It shares no code with the engine. Exact amounts first, the oldest of several; then sums of up to four, where only
one choice adds up, or the oldest ones on end do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import combinations


@dataclass(frozen=True)
class Transfer:
    """Money sent (left) or credited (right); ``number`` gives the order of one day."""

    day: date
    number: int
    amount: int


@dataclass
class Topups:
    """Run it day by day; ``run`` lists class, residue and day of what is open on either side."""

    crediting: int
    sent: list[Transfer] = field(default_factory=list)
    credited: list[Transfer] = field(default_factory=list)

    def run(
        self, day: date, sent: list[Transfer], credited: list[Transfer]
    ) -> list[tuple[str, int, date]]:
        self.sent += sorted(sent, key=lambda t: t.number)
        self.credited += sorted(credited, key=lambda t: t.number)
        for one in list(self.credited):
            same = [t for t in self.sent if t.amount == one.amount]
            if same:
                self.sent.remove(same[0])
                self.credited.remove(one)
        for one in [t for t in self.credited if t.day == day]:
            for part in self._choice(self.sent, one.amount):
                self.sent.remove(part)
                if one in self.credited:
                    self.credited.remove(one)
        for one in list(self.sent):
            for part in self._choice([t for t in self.credited if t.day == day], one.amount):
                self.credited.remove(part)
                if one in self.sent:
                    self.sent.remove(one)
        late = day - timedelta(days=self.crediting)
        found = [("topup_not_credited", t.amount, t.day) for t in self.sent]
        found += [("topup_mismatch", -t.amount, t.day) for t in self.credited]
        return sorted((c if on <= late else "timing", n, on) for c, n, on in found)

    def _choice(self, among: list[Transfer], total: int) -> list[Transfer]:
        """The transfers that add up to a total; none where two choices do."""
        for end in range(2, len(among) + 1):
            if sum(t.amount for t in among[:end]) == total:
                return among[:end]
        choices: dict[tuple[int, ...], list[Transfer]] = {}
        for size in (2, 3, 4):
            for some in combinations(among[:20], size):
                if sum(t.amount for t in some) == total:
                    choices.setdefault(tuple(sorted(t.amount for t in some)), list(some))
        return next(iter(choices.values())) if len(choices) == 1 else []
