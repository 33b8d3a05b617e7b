"""A year's demand on deposits, made up: weekdays, hours, paydays, Ramadan nights, Lebaran, growth, and bad luck.

Seeded: the same seed makes the same year. What the SOP says of events (:data:`EVENTS`) is rounder than what happens.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import exp
from typing import Any

HOUR = timedelta(hours=1)
#: Of a day's usage, by the hour: quiet nights, a noon and an evening peak.
SHAPE = (10, 6, 4, 4, 7, 14, 24, 36, 46, 54, 58, 60, 62, 58, 54, 54, 56, 60, 68, 74, 72, 60, 40, 22)
WEEK = (1.02, 1.0, 1.0, 1.03, 1.08, 0.98, 0.89)

#: What the SOP says of 2025: uplifts as somebody would write them down from the year before.
EVENTS: list[dict[str, Any]] = [
    {"name": "Ramadan nights", "from": "2025-03-01", "to": "2025-03-21", "uplift": "1.7",
     "opens": "02:00", "closes": "05:00"},
    {"name": "Lebaran", "from": "2025-03-22", "to": "2025-04-02", "uplift": "1.8"},
    {"name": "year's end", "from": "2025-12-24", "to": "2025-12-31", "uplift": "1.25"},
    *(
        {"name": f"payday {month}", "from": f"2025-{month:02}-25", "to": f"2025-{month:02}-{last}",
         "uplift": "1.2"}
        for month, last in ((1, 31), (2, 28), (4, 30), (5, 31), (6, 30), (7, 31), (8, 31), (9, 30), (10, 31), (11, 30))
    ),
]  # fmt: skip


@dataclass(frozen=True)
class Partner:
    """One partner: what it is drawn by on a day, and how restless its days are."""

    name: str
    daily: int
    restless: float
    growth: float


PARTNERS = (
    Partner("AggA", 180_000_000, 0.12, 0.25),
    Partner("AggB", 60_000_000, 0.18, 0.10),
    Partner("AggC", 25_000_000, 0.25, 0.40),
    Partner("AggD", 8_000_000, 0.35, -0.10),
)


def event(day: date, hour: int) -> float:
    """What happens on top of an ordinary day."""
    lift = 1.0
    if date(2025, 3, 1) <= day <= date(2025, 3, 30) and 2 <= hour < 5:
        lift *= 1.85
    if date(2025, 3, 24) <= day <= date(2025, 4, 1):
        lift *= 2.05 if day <= date(2025, 3, 31) else 1.5
    elif day.day >= 25 or day.day <= 2:
        lift *= 1.22
    if (day.month, day.day) >= (12, 23):
        lift *= 1.15
    return lift


def hourly(partner: Partner, first: date, last: date, seed: int) -> Iterator[tuple[datetime, int]]:
    """Yield what customers want of a partner, by the hour (UTC)."""
    draw = random.Random(f"{seed} {partner.name}")
    promos = {first + timedelta(days=draw.randrange((last - first).days)) for _ in range(5)}
    mood, day = 0.0, first
    while day <= last:
        mood = 0.5 * mood + draw.gauss(0, partner.restless * 0.866)
        level = partner.daily * WEEK[day.weekday()] * exp(mood - partner.restless**2 / 2)
        level *= (1 + partner.growth) ** ((day - first).days / 365)
        level *= 1.6 if day in promos else 1.0  # a promotion nobody told the treasury about
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - 7 * HOUR
        for hour, part in enumerate(SHAPE):
            wanted = level * part / sum(SHAPE) * event(day, hour) * exp(draw.gauss(0, 0.2) - 0.02)
            yield midnight + hour * HOUR, int(wanted)
        day += timedelta(days=1)
