"""What a command says about the books at its end: the verdict, why, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finops_ledger.cli import output
from finops_ledger.cli.app import call, folder

if TYPE_CHECKING:
    from datetime import date

    from finops_ledger.books import Books
    from finops_ledger.books.overview import CheckReport

#: So many days are named one by one; then how many more.
_NAMED = 5


def exit_code(verdict: str) -> int:
    """Return 1 for a day that is not clean."""
    return 1 if verdict in ("incomplete", "breaks") else 0


def tell_faults(checked: CheckReport) -> None:
    """Say on standard error what does not prove itself."""
    output.errors([*checked.errors, *checked.registers])
    if not checked.proven:
        errors = output.count(len(checked.errors), "error")
        unlike = output.count(len(checked.registers), "register")
        output.error(
            f"finops: the books do not prove themselves: {errors}, {unlike} unlike the items; "
            f"see `{call('verify')}`"
        )


def show(books: Books, found: dict[str, Any], *, every_day: bool = False) -> None:
    """Print the state of the books: the verdict, the last day, and what else is not clean."""
    name = books.space.config.company.name
    if found["as_of"] is None:
        output.note(
            f"{name}: no files are in yet. Put files into {folder() / 'inbox'}: {call('run')}"
        )
        return
    output.headline(f"{name}, {found['as_of']}: ", output.verdict(found["verdict"]))
    output.note()
    last = [d for d in found["days"] if every_day or d["day"] == found["as_of"]]
    headers = [
        ("Day", False), ("With", False), ("Verdict", False), ("Matched", True), ("Waiting", True),
        ("Breaks", True), ("Deposit", True), ("Ties", False),
    ]  # fmt: skip
    output.table(headers, [_line(d) for d in last])
    output.note()
    for day in last:
        if day["reasons"]:
            shown = f"{day['day']} " if every_day else ""
            output.note(f"  {shown}{day['counterparty']}: {reasons(day['reasons'])}")
    if not every_day:
        _earlier(found)
    _next(found)


def _line(day: dict[str, Any]) -> list[Any]:
    from finops_ledger.reports.report import amount

    matched = sum(
        o["count"]
        for leg in day["legs"]
        for name, o in leg["outcomes"].items()
        if name.startswith("matched")
    )
    waiting = breaks = 0
    for leg in day["legs"]:
        for name, open_ in leg["open"].items():
            if name in ("timing", "pending"):
                waiting += open_["count"]
            else:
                breaks += open_["count"]
    deposit = day["deposit"]
    return [
        day["day"],
        day["counterparty"],
        output.verdict(day["verdict"]),
        f"{matched:,}",
        f"{waiting:,}" if waiting else "-",
        f"{breaks:,}" if breaks else "-",
        amount(deposit["closing"]) if deposit else "",
        "" if not deposit else "yes" if deposit["tied"] else "no",
    ]


def reasons(texts: list[str]) -> str:
    """Put reasons together, shortly: the first few and how many more. What a pass has not decided is always said."""
    shown = texts[:3] + [text for text in texts[3:] if text.startswith("pass ")]
    more = [f"and {len(texts) - len(shown)} more"] if len(shown) < len(texts) else []
    return "; ".join([*shown, *more])


def _earlier(found: dict[str, Any]) -> None:
    """Name earlier days that are not clean: they too decide the verdict."""
    unclean = [d for d in found["days"] if exit_code(d["verdict"]) and d["day"] != found["as_of"]]
    if not unclean:
        return
    output.note()
    output.note(
        f"Earlier and not clean: {output.count(len(unclean), 'day')} of a counterparty; the latest:"
    )
    for day in unclean[-_NAMED:][::-1]:
        text = reasons(day["reasons"])
        output.headline(
            f"  {day['day']} {day['counterparty']}: ", output.verdict(day["verdict"]), f": {text}"
        )
    today = [d for d in found["days"] if d["day"] == found["as_of"]]
    if not any(exit_code(d["verdict"]) for d in today):
        output.note("What broke there is no longer open; a day keeps the verdict of its own end.")


def _next(found: dict[str, Any]) -> None:
    """Say what to do about it."""
    steps = []
    missing = {
        r.removeprefix("file_missing ")
        for d in found["days"] for r in d["reasons"] if r.startswith("file_missing ")
    }  # fmt: skip
    if missing:
        steps.append(
            f"files are missing of {', '.join(sorted(missing))}: put them into "
            f"{folder() / 'inbox'}, then {call('run')}"
        )
    if any(r.startswith("not reconciled") for d in found["days"] for r in d["reasons"]):
        steps.append(f"days are not reconciled: {call('reconcile')}")
    if any(r.startswith("no_price") for d in found["days"] for r in d["reasons"]):
        steps.append(
            "orders have no price: add them to the partner's list in prices/, then " + call("run")
        )
    today = [d for d in found["days"] if d["day"] == found["as_of"]]
    if any(d["verdict"] == "breaks" for d in today):
        steps.append(f"{call('breaks')}   and for one of them: {call('explain ID')}")
    low = [d["counterparty"] for d in today if d["deposit"] and d["deposit"]["below_floor"]]
    if low:
        steps.append(f"the deposit of {', '.join(low)} is below its floor: top it up")
    if steps:
        output.note()
    for step in steps:
        output.note(f"Next: {step}")


def not_reconciled(books: Books, as_of: date | None) -> str:
    """Say that complete days wait for reconciliation: what is open on them is not known. Empty where none does."""
    from finops_ledger.books.reconciling import due

    last = as_of or books.space.expected.as_of
    waiting = {day for _, _, day in due(books.space, last)} if last is not None else set()
    if not waiting:
        return ""
    which = str(min(waiting)) if len(waiting) == 1 else f"{min(waiting)} to {max(waiting)}"
    return (
        f"Not reconciled: {which}; what is open there is not known yet. Next: {call('reconcile')}"
    )
