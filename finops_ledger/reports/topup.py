"""The proposal of top-ups, laid out: one line a partner, and below it why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from finops_ledger.reports.report import Column, Report, Row, amount

COLUMNS = (
    Column("partner", "Partner"),
    Column("state", "State"),
    Column("cover_hours", "Cover h", "money"),
    Column("balance", "Balance", "money"),
    Column("in_transit", "In transit", "money", optional=True),
    Column("suspect", "Suspect", "money", optional=True),
    Column("need_total", "Need", "money"),
    Column("amount", "Top up", "money"),
    Column("tax", "Tax on top", "money", optional=True),
    Column("how", "By"),
    Column("fee", "Fee", "money", optional=True, spare=True),
    Column("send_by", "Send by"),
    Column("credited_at", "Credited", spare=True),
    Column("lasts_until", "Lasts until", spare=True),
)


def report(found: Mapping[str, Any]) -> Report:
    """Lay out what ``Books.topup`` gives."""
    return Report("topup", COLUMNS, [_row(p) for p in found["partners"]])


def _row(one: Mapping[str, Any]) -> Row:
    known = one["refused"] is None
    return {
        **{c.key: one.get(c.key) for c in COLUMNS},
        "need_total": one["need"]["total"] if known else None,
        "amount": one["amount"] if known else None,
        "how": how(one) if known else "",
        "send_by": clock(one.get("send_by")) or ("too late" if one.get("late") else ""),
        "credited_at": clock(one.get("credited_at")),
        "lasts_until": clock(one["need"]["until"]) if known else "",
    }


def how(one: Mapping[str, Any]) -> str:
    """Say by which rail, and in how many transfers."""
    if one["rail"] is None:
        return "" if one["amount"] == "0" else "no rail"
    return f"{one['rail']} × {len(one['transfers'])}"


def clock(moment: str | None) -> str:
    """Write a moment of the JSON for people: ``2026-03-17 16:30``."""
    return moment[:16].replace("T", " ") if moment else ""


def looked_from(found: Mapping[str, Any]) -> str:
    """Say from which moment the proposal looks."""
    if found["default"]:
        return f"As of {clock(found['at'])}, the end of the last day that files cover."
    return f"As of {clock(found['at'])}; files cover the days to {found['as_of']}."


def below(found: Mapping[str, Any], *, every: bool) -> Iterator[str]:
    """Yield what stands below the table: why, what is wrong, and what leaves which bank."""
    for one in found["partners"]:
        if one["refused"]:
            continue
        if every or one["amount"] != "0" or one["problems"]:
            yield ""
            yield from _why(one, every=every)
    if found["totals"]:
        yield ""
    for line in found["totals"]:
        yield _total(line)
    if any(p["rail"] for p in found["partners"] if not p["refused"]):
        yield "Each transfer needs a ticket of its own, whose last digits may change the amount."
    if found["without"]:
        yield f"No [versions.funding], so no proposal: {', '.join(found['without'])}."


def _why(one: Mapping[str, Any], *, every: bool) -> Iterator[str]:
    need = one["need"]
    terms = [("expected", need["expected"]), ("safety", need["safety"])]
    terms = [*terms, ("used since", need["used_since"]), ("pending", need["pending"])]
    terms = [*terms, ("credited and never sent", need["unsent"]), ("floor", need["floor"])]
    plus = " + ".join(f"{amount(n)} {name}" for name, n in terms if n != "0" or name == "expected")
    minus = "".join(
        f" − {amount(n)} {name}"
        for name, n in (("balance", need["balance"]), ("in transit", need["in_transit"]))
        if n != "0" or name == "balance"
    )
    total, until = need["total"], clock(need["until"])
    sums = f"{amount(total)} needed" if not total.startswith("-") else f"{amount(total)}, enough"
    yield f"{one['partner']}: {plus}{minus} = {sums} until {until}"
    events = f", {' and '.join(one['events'])}" if one["events"] else ""
    growth = f" × {one['growth']}" if one["growth"] != "1" else ""
    seen = f"of {one['history_days']} days" if one["usage"] == "files" else "assumed by the SOP"
    yield (
        f"  {need['selling_days']} selling days of {amount(one['daily'])}{growth} ({seen}){events}; "
        f"safety {need['z']} × {amount(need['sigma'])} × √days"
    )
    if every or one["amount"] != "0":
        yield from _options(one["options"])
    if one["late"]:
        yield (
            f"  Too late: at the accepted risk it lasts until {clock(one['safe_until'])}, and what can be sent from "
            f"{clock(one['send_at'])} on is credited at {clock(one['credited_at'])}."
        )
    if one["tied"] is False:
        yield "  The books and the partner's statement do not tie; the lower balance is taken: `finops deposits`."
    if one["suspect"] != "0":
        yield f"  {amount(one['suspect'])} was sent and never credited; it is not counted on: `finops breaks`."
    if one["unsent"] != "0":
        yield (
            f"  {amount(one['unsent'])} was credited and never sent; the partner may take it back: `finops breaks`."
        )
    for problem in one["problems"]:
        yield f"  {problem}."


def _options(options: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in options:
        if one["why_not"]:
            yield f"  {one['rail']}: no: {one['why_not']}"
            continue
        by = f"send by {clock(one['send_by'])}" if one["send_by"] else "too late"
        count = one["transfers"]
        yield (
            f"  {one['rail']}: {count} transfer{'s' if count != 1 else ''}, fee {amount(one['fee'])}, {by}, credited "
            f"{clock(one['credited_at'])} if sent at {clock(one['send_at'])}"
        )


def _total(line: Mapping[str, Any]) -> str:
    count = line["transfers"]
    text = (
        f"{line['bank']} {line['day']}: {count} transfer{'s' if count != 1 else ''}, {amount(line['amount'])} and "
        f"{amount(line['fees'])} of fees, for {', '.join(line['partners'])}"
    )
    if line["short"] != "0":
        text += f"; {amount(line['short'])} more than lies there ({amount(line['lies'])})"
    return f"{text}."
