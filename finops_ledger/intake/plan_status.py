"""The status of a record: from a text, from a code, from both when they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finops_ledger.core.errors import UsageError
from finops_ledger.intake.times import text

if TYPE_CHECKING:
    from finops_ledger.intake.planner import Planner

_BACK = "('refunded', 'reversed')"


def add(plan: Planner) -> None:
    """Add ``status`` and ``status_raw`` to a plan in the making.

    What the books say of a source (``status``, ``codes``) goes before the maps of the format. A
    status that nobody mapped, and a text and a code that contradict, are ``unknown``. One that says
    failed, and one that says refunded or reversed, do not: the money is back in both, and the second tells
    that it had been taken.
    """
    spec, info, named = plan.fmt.status, plan.info, plan.plan.named
    for given, column, key in (
        (info.status, spec.column, "status"),
        (info.codes, spec.code, "codes"),
    ):
        if given and column is None:
            raise UsageError(
                f"source {info.name!r} maps {key}, and format {plan.fmt.name!r} reads none"
            )
    if spec.constant is not None:
        named["status"] = text(spec.constant)
        return
    words = {**spec.map, **info.status}
    codes = {**spec.codes, **info.codes}
    if spec.column is None:
        assert spec.code is not None
        cell = plan.cell(spec.code)
        named["status"] = _mapped(cell, codes, spec.codes_otherwise)
        named["status_raw"] = cell
        return
    word = plan.cell(spec.column)
    by_word = _mapped(word, words, None)
    named["status"], named["status_raw"] = by_word, word
    if spec.code is not None:
        code = plan.cell(spec.code)
        by_code = _mapped(code, codes, spec.codes_otherwise)
        none = "true" if "" not in words else "false", "true" if "" not in codes else "false"
        named["status"] = (
            f"CASE WHEN {code} IS NULL AND {none[1]} THEN {by_word} "
            f"WHEN {word} IS NULL AND {none[0]} THEN {by_code} "
            f"WHEN {by_word} = {by_code} THEN {by_word} "
            f"WHEN {by_word} = 'failed' AND {by_code} IN {_BACK} THEN {by_code} "
            f"WHEN {by_code} = 'failed' AND {by_word} IN {_BACK} THEN {by_word} ELSE 'unknown' END"
        )
        named["status_raw"] = f"nullif(concat_ws(' / ', {word}, {code}), '')"


def check(plan: Planner) -> None:
    """Check that a settlement's rows have a status that somebody mapped.

    Every row of a settlement is money moved; one whose status nobody knows may be none.
    """
    spec, info = plan.fmt.status, plan.info
    column = spec.column or spec.code
    if info.role != "settlement" or column is None:
        return
    known = {**spec.map, **info.status, **spec.codes, **info.codes}
    plan.check(
        "status-unknown", column, "r_status <> 'unknown'",
        "a status that the format does not map: money moved, or it did not",
        ", ".join(sorted(n for n in known if n)), "r_status_raw",
    )  # fmt: skip


def _mapped(cell: str, known: dict[str, str], otherwise: str | None) -> str:
    """Return SQL of a status; ``""`` in the map stands for an empty cell."""
    cases = " ".join(f"WHEN {text(k)} THEN {text(v)}" for k, v in known.items() if k)
    empty = text(known.get("", "unknown"))
    rest = text(otherwise or "unknown")
    chosen = f"CASE {cell} {cases} ELSE {rest} END" if cases else rest
    return f"CASE WHEN {cell} IS NULL THEN {empty} ELSE {chosen} END"
