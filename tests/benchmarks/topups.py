"""The back-test of top-ups: how often each policy runs dry over a year, what float it holds, and what both cost.

``python -m tests.benchmarks.topups`` runs it and writes ``docs/backtest.md``. All policies see the same demand, are
asked on the same mornings, send by the same rails and wait for the same partner; a policy only says how much to send.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from finops_ledger.core.calendars import Calendar, load
from finops_ledger.sop.funding import Funding
from finops_ledger.sop.rails import known
from finops_ledger.treasury.forecast import Demand, Standing, learn
from finops_ledger.treasury.funding import Rules, propose
from finops_ledger.treasury.lanes import Lane
from tests.benchmarks import report
from tests.benchmarks.demand import EVENTS, HOUR, PARTNERS, Partner, hourly

PAGE = Path(__file__).parents[2] / "docs" / "backtest.md"
DAY = timedelta(days=1)
WARM = 56 * DAY
FIRST, LAST = date(2025, 1, 1), date(2025, 12, 31)
MILLION = 1_000_000
#: Margin lost with a sale that is not made, of its cost; what a year of float costs.
MARGIN, INTEREST = 0.024, 0.06
FUNDING = {
    "rails": ["BI-FAST", "RTGS"],
    "bank": "BCA",
    "transfers": 1_000,
    "approvers": {"days": "business", "opens": "09:00", "closes": "16:00"},
    "crediting": {"days": "daily", "lead": "1h"},
}


@dataclass
class View:
    """What a policy knows in the morning: the hour, what lies there, and what was drawn in each hour so far."""

    at: datetime
    have: int
    drawn: dict[datetime, int]
    daily: list[int]
    until_next: float


Policy = Callable[[View], int]


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - 7 * HOUR


def ours(risk: str, calendar: Calendar, *, events: bool = True) -> Policy:
    """The proposal of ``finops topup``."""
    told = Funding.model_validate({**FUNDING, "risk": risk, "events": EVENTS if events else []})
    rails = known(())
    rules = Rules(told, [rails[name] for name in told.rails], calendar)

    def closed(day: date) -> bool:
        return calendar.covers(day.year) and calendar.holiday(day) is not None

    def amount(view: View) -> int:
        today = (view.at + 7 * HOUR).date()
        windows = {
            d: (midnight(d), midnight(d) + DAY)
            for d in (today - n * DAY for n in range(told.sample_days, 0, -1))
            if midnight(d) in view.drawn
        }
        used = {h: Decimal(n) for h, n in view.drawn.items() if h >= view.at - WARM - DAY}
        profile = learn(used, windows, "Asia/Jakarta", uplift=told.event, skip=closed)
        demand = Demand(profile, Fraction(1), told.event, told.scale)
        return int(propose(demand, Standing(view.at, Decimal(view.have)), view.at, rules).amount)

    return amount


def threshold(days: float) -> Policy:
    """Fill up to twice a fixed threshold, so many days of the usage before the year, when less is there."""
    fixed: list[int] = []

    def amount(view: View) -> int:
        if not fixed:
            fixed.append(int(days * sum(view.daily[-28:]) / 28))
        return 2 * fixed[0] - view.have if view.have < fixed[0] else 0

    return amount


def average(days: float) -> Policy:
    """Fill up to so many days of the last seven days' average, every morning."""
    return lambda view: int(days * sum(view.daily[-7:]) / 7) - view.have


def calendared(days: float) -> Policy:
    """The same, and for each day until banks open again one day more: what a careful person does with a calendar."""
    return lambda view: int((view.until_next + days) * sum(view.daily[-7:]) / 7) - view.have


@dataclass
class Outcome:
    """What a policy came to, over all partners and years."""

    name: str
    lives: int = 0  #: how many partners were funded for how many years
    days: int = 0
    dry_hours: int = 0
    dry_days: int = 0
    wanted: int = 0
    lost: int = 0
    held: float = 0
    usage: float = 0
    topups: int = 0
    fees: int = 0

    @property
    def float_days(self) -> float:
        """The average float, in days of usage."""
        return self.held / self.usage

    @property
    def margin(self) -> float:
        """What the sales that were not made would have earned."""
        return self.lost * MARGIN

    @property
    def interest(self) -> float:
        """What the float has cost."""
        return self.held * INTEREST * self.days / 365

    @property
    def cost(self) -> float:
        """What running dry and holding money cost together, with the fees of the transfers."""
        return self.margin + self.interest + self.fees


@dataclass(frozen=True)
class Year:
    """The demand of each partner, and the mornings on which somebody can send."""

    partners: Sequence[Partner]
    first: date
    last: date
    calendar: Calendar
    demand: dict[str, list[tuple[datetime, int]]]


def drawn(partners: Sequence[Partner], first: date, last: date, seed: int = 1) -> Year:
    """Draw a year, with eight weeks before it of which only the past is made."""
    made = {p.name: list(hourly(p, first - WARM, last, seed)) for p in partners}
    return Year(partners, first, last, load("ID"), made)


def run(years: Sequence[Year], name: str, policy: Callable[[], Policy]) -> Outcome:
    """Live through the years with a policy."""
    outcome = Outcome(name, days=(years[0].last - years[0].first).days + 1)
    for year in years:
        for partner in year.partners:
            _one(year, partner, policy(), outcome)
            outcome.lives += 1
    return outcome


def _one(year: Year, partner: Partner, policy: Policy, outcome: Outcome) -> None:
    told = Funding.model_validate(FUNDING)
    lane = Lane(known(())["BI-FAST"], told.approvers, told.crediting, year.calendar)
    begin, lost, held, hours = midnight(year.first), 0, 0, 0
    past: dict[datetime, int] = {}
    daily: list[int] = []
    balance, coming, today, dry = 3 * partner.daily, {}, 0, set()
    for hour, wanted in year.demand[partner.name]:
        live = hour >= begin
        if live:
            balance += coming.pop(hour, 0)
            local = hour + 7 * HOUR
            if local.hour == 9 and told.approvers.is_open(local.date(), year.calendar):
                again = lane.next_send(hour + 10 * HOUR)
                have = balance + sum(coming.values())
                view = View(hour, have, past, daily, (again - hour) / DAY)
                amount = -(-max(policy(view), 0) // MILLION) * MILLION
                if amount:
                    lands = lane.credited(hour)
                    at = lands.replace(minute=0) + HOUR * bool(lands.minute)
                    coming[at] = coming.get(at, 0) + amount
                    outcome.topups += 1
                    outcome.fees += min(
                        2500 * -(-amount // (250 * MILLION)), 25_000 if amount > 10**8 else 10**9
                    )
        got = min(wanted, balance) if live else wanted
        if live:
            balance -= got
            if got < wanted:
                outcome.dry_hours += 1
                dry.add((hour + 7 * HOUR).date())
                lost += wanted - got
            outcome.wanted += wanted
            held += balance + sum(coming.values())
            hours += 1
        past[hour] = got
        today += got
        if (hour + 7 * HOUR).hour == 23:
            daily.append(today)
            today = 0
    outcome.lost += lost
    outcome.dry_days += len(dry)
    outcome.held += held / hours
    outcome.usage += sum(daily[-outcome.days :]) / outcome.days


GRID = (1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 10, 12, 14)


def sweep(years: Sequence[Year], name: str, made: Callable[[float], Policy]) -> list[Outcome]:
    """A policy with each of its settings."""
    return [run(years, name.format(f"{days:g}"), lambda days=days: made(days)) for days in GRID]


#: The other policies: what each is called, with its setting.
OTHERS: tuple[tuple[str, Callable[[float], Policy]], ...] = (
    ("fixed threshold of {} days", threshold),
    ("{} days of the last 7 days' average", average),
    ("the average and the calendar, and {} days", calendared),
)
RISKS = ("0.05", "0.01", "0.001")


def compared(years: Sequence[Year]) -> list[Outcome]:
    """Ours by risk; each other policy at about our float, and at the setting that was cheapest, known afterwards."""
    calendar = years[0].calendar
    told = [run(years, f"`finops topup`, risk {r}", lambda r=r: ours(r, calendar)) for r in RISKS]
    bare = run(
        years,
        "the same, risk 0.01, no events in the SOP",
        lambda: ours("0.01", calendar, events=False),
    )
    best = min(told, key=lambda o: o.cost)
    for name, made in OTHERS:
        swept = sweep(years, name, made)
        like = next((o for o in swept if o.float_days >= best.float_days), swept[-1])
        cheap = min(swept, key=lambda o: o.cost)
        cheap.name += " (cheapest, known afterwards)"
        told += [like, cheap] if like is not cheap else [cheap]
    return [*told[: len(RISKS)], bare, *told[len(RISKS) :]]


def table(found: Sequence[Outcome]) -> str:
    """The outcomes as a Markdown table; days and hours are of one partner in one year."""
    least = min(o.cost for o in found)
    lines = [
        "| policy | days run dry | hours | demand lost | float, in days of usage | lost margin : cost of float "
        "| both, over the least |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in found:
        both = one.margin + one.interest
        lines.append(
            f"| {one.name} | {one.dry_days / one.lives:.1f} | {one.dry_hours / one.lives:.0f} "
            f"| {100 * one.lost / one.wanted:.2f} % | {one.float_days:.2f} "
            f"| {100 * one.margin / both:.0f} : {100 * one.interest / both:.0f} | {one.cost / least:.2f} × |"
        )
    return "\n".join(lines) + "\n"


TEXT = """# Back-test of top-ups

Written by `python -m tests.benchmarks.topups`: {partners} partners of {smallest} to {largest} million a day
over 2025, {seeds} seeds, hour by hour. Demand is made up ([demand.py](../tests/benchmarks/demand.py)):
weekdays, hours, paydays, Ramadan nights, a Lebaran that about doubles it, growth of −10 to 40 % a year, days
that are restless and hang together, and promotions that nobody told the treasury about. Banks are closed as
they were, for eleven days at Lebaran. Somebody can send on business days at nine, by BI-FAST or RTGS; the
partner credits within the hour after. Every policy sees the same and only says how much to send. What cannot be
sold is lost, and is not seen as demand afterwards, by anybody.

{table}
A sale that is not made loses {margin} of its cost; float costs {interest} a year, money on its way included.
Lost
margin and cost of float are shown as parts of their sum; the last column compares that sum and the fees of
transfers. Days and hours are those of one partner in one year.

- **`finops topup`** is the proposal of the command, by its own code, with the uplifts that the SOP gives; these
  are rounder and lower than what happened (Lebaran 1.8 for 2.05). Without any events in the SOP it learns them
  only as they pass.
- **Fixed threshold**: below so many days of the usage before the year, the deposit is filled to twice that.
- **Average**: every morning it is filled to so many days of the average of the last seven. Set at three days it
  does not last a weekend, and then what was not sold lowers the average.
- **The average and the calendar**: to the average for each day until somebody can send again, and some days
  more; what a careful person does by hand. It needs no events, and holds more in every week of the year to be
  safe in the one before Lebaran.

"Cheapest, known afterwards" is the best of {grid} settings of each, picked with the year's end in hand; nobody
can choose it beforehand. Of `finops topup` three risks are shown.

What it does not do well: at a risk of 5 % a deposit runs dry often, because the risk is taken anew each time
that money can be sent, some 240 times a year. A risk is worth what a day's float costs over what a lost sale
costs, {interest} / 365 / {margin} or 0.7 %, if days are as the formula takes them: alike around their mean, and
independent. These are skewed, hang together and hold promotions that nobody told, so that it runs dry more often
than it was asked to, and asking for less risk than that pays. A fixed threshold and an average lose nearly
all of it in the closure at Lebaran; `finops topup` loses it on busy days of ordinary weeks, in the hours before
the next money.
"""


def page(found: Sequence[Outcome], years: Sequence[Year]) -> str:
    """The page that is checked in."""
    sizes = [p.daily // MILLION for p in years[0].partners]
    return TEXT.format(
        partners=len(sizes),
        smallest=min(sizes),
        largest=max(sizes),
        seeds=len(years),
        table=table(found),
        margin=f"{100 * MARGIN:g} %",
        interest=f"{100 * INTEREST:g} %",
        grid=len(GRID),
    )


def main(arguments: list[str] | None = None) -> None:
    """Run the years, print the table, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.topups", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="how many years are drawn")
    parser.add_argument("--page", type=Path, default=PAGE)
    told = parser.parse_args(arguments)
    years = [drawn(PARTNERS, FIRST, LAST, seed) for seed in range(1, told.seeds + 1)]
    found = compared(years)
    print(table(found))
    told.page.write_text(page(found, years), encoding="utf-8")
    if told.page == PAGE:
        # The page of all benchmarks tells it in brief.
        text = report.with_topups(report.PAGE.read_text("utf-8"), PAGE.read_text("utf-8"))
        report.PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
