"""Checks of a record as a whole: the identities that its amounts must satisfy, that it has a key, and
that its ids are what they look like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from finops_ledger.core.errors import UsageError
from finops_ledger.core.schema import MONEY_SQL
from finops_ledger.intake import cells
from finops_ledger.intake.spec import FieldSpec

if TYPE_CHECKING:
    from finops_ledger.intake.planner import Planner

#: Row columns by which a record is found on another side: two that look the same must be the same.
IDS: Final = ("ref", "partner_ref", "payment_ref", "orig_ref", "settlement_ref", "serial")
#: Marks of width and of direction, the soft hyphen, blanks that are no blanks.
_UNSEEN: Final = (
    r"[\x{80}-\x{A0}\x{AD}\x{061C}\x{2000}-\x{200F}"
    r"\x{2028}-\x{202F}\x{205F}-\x{206F}\x{3000}\x{FEFF}]"
)
_ZERO = f"CAST(0 AS {MONEY_SQL})"


def add(plan: Planner) -> None:
    """Add the checks to a plan in the making; its cells and columns must stand."""
    _identities(plan)
    _signs(plan)
    _key(plan)
    _seen(plan)


def _seen(plan: Planner) -> None:
    for name in IDS:
        spec = plan.fmt.fields.get(name)
        if spec is None or (spec.column is None and not spec.join):
            continue
        # Most ids are plain: as many bytes as characters. Only the others are looked at closely.
        value = f"coalesce({plan.extracted(plan.written(spec), spec)}, '')"
        unseen = f"regexp_matches({value}, '{_UNSEEN}')"
        plan.check(
            "cell-unseen",
            first_column(spec, name),
            f"strlen({value}) = length({value}) OR NOT {unseen}",
            "an id with a mark in it that cannot be seen",
            "an id without it; a pattern may take it off",
        )


def _identities(plan: Planner) -> None:
    spec = FieldSpec(constant="")
    for identity in plan.fmt.identities:
        left, right = (
            " + ".join(f"coalesce({plan.number(c, spec, plan.digits)}, {_ZERO})" for c in side)
            or _ZERO
            for side in (identity.left, identity.right)
        )
        ok = f"{left} = {right}"
        for exception in identity.unless:
            ok = f"{cells.condition(plan.cell(exception.column), exception)} OR {ok}"
        if identity.when_equal:
            one, two = (plan.cell(c) for c in identity.when_equal)
            ok = f"{one} IS DISTINCT FROM {two} OR {ok}"
        equation = f"{' + '.join(identity.left)} = {' + '.join(identity.right) or '0'}"
        columns = ", ' | ', ".join(
            f"coalesce({plan.cell(c)}, '')" for c in (*identity.left, *identity.right)
        )
        plan.check(
            "identity",
            identity.left[0],
            ok,
            f"the record breaks {equation}",
            equation,
            f"concat({columns})",
        )


def _signs(plan: Planner) -> None:
    """Of what is sold, price, discount and quantity are never negative: a refund is a status, or a kind."""
    if plan.info.role != "sale":
        return
    for name in ("price", "discount", "discount_partner", "quantity"):
        spec = plan.fmt.fields.get(name)
        if spec is None:
            continue
        least = "> 0" if name == "quantity" else ">= 0"
        plan.check(
            "cell-sign",
            first_column(spec, name),
            f"r_{name} IS NULL OR r_{name} {least} OR r_kind <> 'usage'",
            f"a sale whose {name} is not above 0"
            if name == "quantity"
            else f"a sale of negative {name}",
            "more than 0" if name == "quantity" else "0 or more; a format may say negate = true",
        )


def _key(plan: Planner) -> None:
    named = {**plan.plan.named, **plan.plan.derived}
    known = [k for k in plan.fmt.key if k in named]
    missing = [k for k in plan.fmt.key if k not in named and k != "account"]
    if missing:
        raise UsageError(f"format {plan.fmt.name}: key {missing} is not in [fields]")
    if len(known) > 1:
        some = " OR ".join(f"r_{k} IS NOT NULL" for k in known if k not in {"kind", "account"})
        plan.check(
            "key-empty",
            first_column(plan.fmt.fields.get(known[0]), known[0]),
            some or "true",
            "the record has nothing that identifies it",
        )


def first_column(spec: FieldSpec | None, default: str) -> str:
    """Return the file's column behind a field, for messages."""
    columns = spec.columns() if spec is not None else ()
    return columns[0] if columns else default
