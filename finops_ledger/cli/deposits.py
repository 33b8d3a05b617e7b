"""``finops deposits``: where each partner's deposit stands, and what does not tie."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from finops_ledger.cli import output
from finops_ledger.cli.app import (
    as_of_option,
    books_option,
    call,
    cli,
    csv_option,
    json_option,
    opened,
)
from finops_ledger.cli.reading import check_known

_RECENT = 7
_DAY = click.DateTime(["%Y-%m-%d"])


def _date(unused_context: Any, unused_param: Any, value: Any) -> date | None:
    return value.date() if value else None


@cli.command()
@click.option("--partner", metavar="NAME", help="Only this partner, day by day.")
@click.option("--day", type=_DAY, callback=_date, metavar="DAY", help="One day, as a proof.")
@click.option("--from", "first", type=_DAY, callback=_date, metavar="DAY", help="From this day on.")
@click.option("--to", "last", type=_DAY, callback=_date, metavar="DAY", help="Up to this day.")
@click.option("--all", "every_day", is_flag=True, help="Every day, not only the last.")
@as_of_option
@books_option
@json_option
@csv_option
@click.option(
    "--xlsx",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a workbook: where each partner stands, every day, what does not tie.",
)
def deposits(
    partner: str | None,
    day: date | None,
    first: date | None,
    last: date | None,
    every_day: bool,
    as_of: date | None,
    as_json: bool,
    as_csv: bool,
    xlsx: Path | None,
) -> None:
    """Where each partner's deposit stands, and what does not tie.

    Opening + movements = closing = what the partner's statement says. Without options one line a partner, then what
    does not tie, what is under way, what is open. With --partner or days: day by day.
    """
    from finops_ledger.core.errors import UsageError

    if day and (first or last):
        raise UsageError("--day is one day: give --from and --to for several")
    if first and last and first > last:
        raise UsageError(f"--from {first} is after --to {last}")
    first, last = (day, day) if day else (first, last)
    # A day is looked at as it stood at its own end.
    as_of = as_of or last
    with opened() as books:
        check_known(None, partner, books.space.registry.sops, (), "--partner")
        rows = [
            d
            for d in books.deposits(as_of)
            if partner in (None, d["partner"])
            and (first is None or d["day"] >= first.isoformat())
            and (last is None or d["day"] <= last.isoformat())
        ]
        stands = [] if as_csv else books.positions(as_of)
        stands = [s for s in stands if partner in (None, s["partner"])]
        name = books.space.config.company.name
        if as_json:
            shown = as_of or books.space.expected.as_of
            told = {"as_of": shown.isoformat() if shown else None, "partners": stands}
            output.print_json({**told, "days": rows})
            return
        if day and rows and not as_csv and xlsx is None:
            _proofs(rows, stands)
            return
    if xlsx is not None:
        _workbook(xlsx, rows, stands)
    elif as_csv:
        from finops_ledger.reports import deposits as laid_out

        click.echo(laid_out.report(rows).csv(), nl=False)
    elif not rows:
        output.note("No deposit has a file yet." if not (first or last) else "No deposit then.")
    elif partner or first or last or every_day:
        _days(rows, everything=every_day or bool(first or last))
        _below(stands)
    else:
        _stand(name, stands)


def _stand(name: str, stands: list[dict[str, Any]]) -> None:
    from finops_ledger.reports import deposits as laid_out

    output.note(f"{name}, deposits at the end of {max(s['day'] for s in stands)}")
    output.note()
    output.report(laid_out.positions(stands))
    _below(stands, short=True)
    open_ = [s for s in stands if not s["tied"]]
    if open_:
        output.note()
        first = open_[0]
        output.note(
            "Next: " + call(f"deposits --partner {first['partner']} --day {first['untied_since']}")
        )


def _days(rows: list[dict[str, Any]], *, everything: bool) -> None:
    from finops_ledger.reports import deposits as laid_out

    days = sorted({d["day"] for d in rows})
    shown = set(days if everything else days[-_RECENT:])
    listed = sorted((d for d in rows if d["day"] in shown), key=lambda d: (d["partner"], d["day"]))
    output.report(laid_out.report(listed))
    if len(shown) < len(days):
        output.note(f"{len(days) - len(shown)} earlier days: --all")


def _proofs(rows: list[dict[str, Any]], stands: list[dict[str, Any]]) -> None:
    """One day of each partner as a proof: from the opening to the closing, beside the statement."""
    from finops_ledger.reports import deposits as laid_out

    by_partner = {s["partner"]: s for s in stands}
    for number, row in enumerate(sorted(rows, key=lambda r: r["partner"])):
        if number:
            output.note()
        stand = by_partner[row["partner"]]
        between = f"from {stand['opens']} to {stand['closes']}, {stand['zone']}"
        output.headline(f"{row['partner']}, {row['day']}: {between}")
        output.note()
        headers = [("", False), ("Books", True), ("Statement", True), ("Off", True)]
        output.table(headers, list(laid_out.proof(row)), last=True)
    _below([by_partner[r["partner"]] for r in rows])


def _below(stands: list[dict[str, Any]], *, short: bool = False) -> None:
    """Say below the figures what an accountant asks next, partner by partner; nothing where all is well."""
    from finops_ledger.reports import deposits as laid_out
    from finops_ledger.reports.report import amount

    output.note()
    told = [s for s in stands if not short or not s["tied"] or s["below_floor"]]
    for one in told:
        output.note(f"{one['partner']} {_said(one)}")
    rest = len(stands) - len(told)
    if short and rest:
        others = "All tie to their statements." if not told else f"The other {rest:,} tie."
        single = "It ties to its statement." if not told else "The other one ties."
        output.note(others if rest > 1 else single)
    for books, title in (
        (True, "What does not tie"),
        (False, "What the rows do not explain; it is posted as a break, so that the books tie"),
    ):
        found = list(laid_out.differences(stands, books=books))
        if found:
            _head(title)
        widest = max((len(f[2]) for f in found), default=0)
        for partner, day, off, side, place, why, orders in found:
            where = "  ".join(text for text in (side, place) if text)
            output.note(f"  {partner} {day}  {off:>{widest}}  {where}".rstrip())
            output.note(f"      {why}")
            if orders:
                output.note(f"      of that price: {'; '.join(orders)}")
    for key, title in (("in_transit", "Top-ups in transit"), ("suspect", "Suspect top-ups")):
        lines = list(laid_out.topups(stands, key))
        if lines:
            _head(title)
            titles = ("Partner", "Amount", "", "Since", "Line", "")
            output.table([(t, t == "Amount") for t in titles], lines)
    disputed = [s for s in stands if s["disputed"]]
    if disputed:
        _head("Open with the partner")
        for one in disputed:
            items = one["disputed"]
            named = "; ".join(f"{i['class']} {i['ref']} {amount(i['amount'])}" for i in items[:3])
            more = f"; and {len(items) - 3} more" if len(items) > 3 else ""
            output.note(
                f"  {one['partner']}  by our own records {amount(one['ours'])}: {named}{more}"
            )


def _head(title: str) -> None:
    output.note()
    output.note(f"{title}:")


def _said(one: dict[str, Any]) -> str:
    from finops_ledger.reports import deposits as laid_out
    from finops_ledger.reports.report import amount

    if one["tied"]:
        text = f"ties to its statement since {one['tied_since']}"
    elif one["stated"] is None:
        text = f"has no statement for {one['day']}"
    else:
        text = f"does not tie on {one['day']}: the books are {amount(one['off'])} off"
    low = one["lowest"]
    if low["file"]:
        at = (low["at"] or "").rpartition(" ")[2]
        text += f"; lowest {amount(low['amount'])} at {at} ({laid_out.place(low)})"
    if one["hours"] is not None:
        text += f"; lasts some {one['hours']:,} hours at its recent rate"
    if one["below_floor"]:
        text += "; below its floor, top it up"
    return f"{text}."


def _workbook(path: Path, rows: list[dict[str, Any]], stands: list[dict[str, Any]]) -> None:
    from finops_ledger.reports import deposits as laid_out
    from finops_ledger.reports import workbook
    from finops_ledger.reports.report import Column, Report

    columns = [
        Column("partner", "Partner"), Column("day", "Day"), Column("amount", "Amount", "money"),
        Column("short", "Short"), Column("place", "Where"), Column("told", "What"),
        Column("orders", "Orders of that price"),
    ]  # fmt: skip
    keys = [c.key for c in columns]
    apart = [
        dict(zip(keys, (*found[:2], found[2].replace(",", ""), *found[3:6], "; ".join(found[6])), strict=True))
        for found in laid_out.differences(stands)
    ]  # fmt: skip
    sheets = {
        "Positions": laid_out.positions(stands),
        "Days": laid_out.report(rows),
        "Does not tie": Report("differences", columns, apart),
    }
    workbook.write(path, sheets)
    output.note(f"{path}: {output.count(len(stands), 'partner')}, {output.count(len(rows), 'day')}")
