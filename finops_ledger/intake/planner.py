"""From a format and a source to the :class:`.plan.Plan`: which cell fills which row column.

What a row means by its role is here as well: cash paid of a sale, cost of a supply row, the days in
the books' zone (ruling 22).
"""

from __future__ import annotations

import re
from datetime import date

from finops_ledger.core import msisdn
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import minor_units
from finops_ledger.core.schema import MONEY_FIELDS, MONEY_SQL, TIME_FIELDS
from finops_ledger.intake import accounts, cells, plan_status, plan_times, record_checks
from finops_ledger.intake.conditions import Exclusion
from finops_ledger.intake.model import SourceInfo
from finops_ledger.intake.plan import SECRET, Check, Plan
from finops_ledger.intake.spec import FieldSpec, Format
from finops_ledger.intake.times import text

NULL_TEXT = "CAST(NULL AS VARCHAR)"
NULL_MONEY = f"CAST(NULL AS {MONEY_SQL})"
ZERO = f"CAST(0 AS {MONEY_SQL})"
_KIND_DEFAULT = {
    "sale": "usage",
    "supply": "usage",
    "deposit": "usage",
    "settlement": "payment",
    "bank": "payment",
    "report": "adjustment",
}


def _literal(pattern: str) -> str:
    """A pattern as an SQL text within a template of ``str.format``."""
    return text(pattern).replace("{", "{{").replace("}", "}}")


_BARE = f"regexp_replace({{0}}, {_literal(msisdn.BETWEEN)}, '', 'g')"
#: SQL of a text in one form; for ``msisdn`` see :mod:`finops_ledger.core.msisdn`.
_WRITTEN = {
    "trim": "trim({0})",
    "upper": "upper({0})",
    "strip": r"regexp_replace({0}, '[\s_./-]+', '', 'g')",
    "digits": "regexp_replace({0}, '[^0-9]+', '', 'g')",
    "msisdn": (
        f"CASE WHEN regexp_matches({_BARE}, {_literal(msisdn.MOBILE)}) THEN "
        f"'{msisdn.COUNTRY}' || regexp_replace({_BARE}, {_literal(msisdn.BEFORE)}, '') ELSE {{0}} END"
    ),
}


class Planner:
    """Builds the :class:`Plan` of one format, source and set of columns."""

    def __init__(
        self,
        fmt: Format,
        info: SourceInfo,
        columns: dict[str, int],
        period: tuple[date, date] | None = None,
    ) -> None:
        self.fmt, self.info, self.columns = fmt, info, columns
        #: Dates without a year lie so many days around this one: around the middle of the period,
        #: where the file states it.
        self.near, self.within = info.file_day, fmt.times.within_days
        self.near_by = f"the file's day, {self.near}"
        if period is not None:
            half = (period[1] - period[0]) // 2
            self.near, self.within = period[0] + half, min(max(self.within, half.days + 1), 183)
            self.near_by = f"{self.near}, the middle of the file's period"
        self.plan = Plan()
        self.digits = minor_units(info.currency)
        self._numbers: dict[tuple[str, str | None, int], str] = {}

    def build(self) -> Plan:
        """Build everything, in the order in which later columns need earlier ones."""
        self._constants()
        self._status_and_kind()
        for name, spec in self.fmt.fields.items():
            if name in MONEY_FIELDS:
                self._money(name, spec)
            elif name in TIME_FIELDS:
                plan_times.add(self, name, spec)
            elif name != "kind":
                self._text(name, spec)
        self._amount_and_cost()
        self._days()
        record_checks.add(self)
        cases = [f"WHEN {self._all(r)} THEN {text(r.reason)}" for r in self.fmt.exclude.rules]
        cases = [*accounts.other(self.fmt, self.info, self.cell), *cases]
        if cases:
            self.plan.excluded = f"CASE {' '.join(cases)} END"
        return self.plan

    def _all(self, rule: Exclusion) -> str:
        tests = (cells.condition(self.cell(c.column), c) for c in rule.conditions())
        return " AND ".join(tests)

    def cell(self, column: str) -> str:
        """Return SQL of the text in a file column; NULL when empty or when the column is absent."""
        at = self.columns.get(column)
        return NULL_TEXT if at is None else f"c{at}"

    def check(
        self,
        code: str,
        column: str,
        ok: str,
        message: str,
        expected: str | None = None,
        value: str | None = None,
    ) -> None:
        shown = self.cell(column) if value is None else value
        self.plan.checks.append(Check(code, column, shown, ok, message, expected))

    def _constants(self) -> None:
        info, named = self.info, self.plan.named
        supplier = info.counterparty if info.role in {"sale", "supply", "deposit"} else None
        gateway = info.gateway or (info.counterparty if info.role == "settlement" else None)
        values = {
            "role": info.role,
            "source": info.name,
            "batch": info.batch,
            "partner": supplier,
            "gateway": gateway,
            "account": info.account,
            "currency": info.currency,
        }
        named.update({n: text(v) for n, v in values.items() if v is not None})
        named["file_day"] = f"DATE '{info.file_day.isoformat()}'"
        named["occurrence"] = "0"
        named["quantity"] = f"CAST(1 AS {MONEY_SQL})"

    def _status_and_kind(self) -> None:
        plan_status.add(self)
        named = self.plan.named
        spec = self.fmt.fields.get("kind") or FieldSpec(default=_KIND_DEFAULT[self.info.role])
        named["kind"] = self._text_value("kind", spec)
        if not spec.constant and not spec.default and spec.rules:
            self.check(
                "kind-unknown",
                spec.rules[0].column,
                "r_kind IS NOT NULL",
                "no rule of the format says what this record is about",
            )
        plan_status.check(self)

    def _text_value(self, name: str, spec: FieldSpec) -> str:
        if spec.constant is not None:
            return text(spec.constant)
        if spec.rules or spec.default is not None:
            cases = " ".join(
                f"WHEN {cells.condition(self.cell(r.column), r)} THEN {text(r.is_)}"
                for r in spec.rules
            )
            default = NULL_TEXT if spec.default is None else text(spec.default)
            return f"CASE {cases} ELSE {default} END" if cases else default
        if spec.column is None and not spec.join:
            raise UsageError(f"format {self.fmt.name}: [fields.{name}] is text: give a column")
        return self.extracted(self.written(spec), spec)

    def written(self, spec: FieldSpec) -> str:
        """Return SQL of the text behind a field: a cell, or several joined; NULL when all are empty."""
        if spec.column is not None:
            return self.cell(spec.column)
        cells_ = ", ".join(self.cell(c) for c in spec.join)
        return f"nullif(concat_ws({text(spec.separator)}, {cells_}), '')"

    @staticmethod
    def extracted(cell: str, spec: FieldSpec) -> str:
        """Return SQL of the part of a cell that is a field's value."""
        if spec.pattern is not None:
            cell = f"nullif(regexp_extract({cell}, {text(spec.pattern)}, 1), '')"
        for form in spec.normalise:
            cell = f"nullif({_WRITTEN[form].format(cell)}, '')"
        return f"upper({cell})" if spec.upper else cell

    def _text(self, name: str, spec: FieldSpec) -> None:
        value, column = self._text_value(name, spec), record_checks.first_column(spec, name)
        if name == "partner" and self.info.partner_aliases:
            aliases = self.info.partner_aliases.items()
            cases = " ".join(f"WHEN {text(k)} THEN {text(v)}" for k, v in aliases)
            self.plan.named[name] = f"CASE {value} {cases} END"
        elif name == "partner":
            self.plan.named[name] = NULL_TEXT
        elif name in self.fmt.privacy.hash:
            digest = f"sha256(getvariable('{SECRET}') || encode({value}))"
            hidden = f"concat(left({digest}, 16), '~', right({value}, 3))"
            self.plan.named[name] = f"CASE WHEN ({value}) IS NOT NULL THEN {hidden} END"
        else:
            self.plan.named[name] = value
        if name == "partner":
            self.check(
                "partner-unknown",
                column,
                f"r_partner IS NOT NULL OR {value} IS NULL",
                "unknown partner code: add it to the aliases of a partner",
                "one of " + (", ".join(sorted(self.info.partner_aliases)) or "no alias"),
            )
        if name == "currency":
            self.check(
                "currency-other",
                column,
                f"r_currency = {text(self.info.currency)}",
                "not the currency of the books",
                self.info.currency,
            )
            for other in spec.also:
                told = self.cell(other)
                self.check(
                    "currency-other",
                    other,
                    f"{told} IS NULL OR {told} = {text(self.info.currency)}",
                    "not the currency of the books",
                    self.info.currency,
                )
        if spec.required or (spec.required is None and self.fmt.key == (name,)):
            self.check("cell-empty", column, f"({value}) IS NOT NULL", "the cell may not be empty")

    def number(self, column: str, spec: FieldSpec, digits: int) -> str:
        """Return the parsed column of the number in a file column; its check comes with it."""
        known = self._numbers.get((column, spec.pattern, digits))
        if known is not None:
            return known
        numbers, cell = self.fmt.numbers_of(column), self.cell(column)
        if digits != self.digits and numbers.minor_units is True:
            numbers = numbers.model_copy(update={"minor_units": False})  # a quantity is no money
        if numbers.empty:
            none = f"trim({cell}) IN {cells.texts(numbers.empty)}"
            cell = f"CASE WHEN {none} THEN NULL ELSE {cell} END"
        source = cell
        if spec.pattern is not None:
            source = f"regexp_extract({cell}, {text(spec.pattern)}, 1)"
        name = f"p{len(self.plan.parsed)}"
        self.plan.parsed.append(f"{cells.number(source, numbers, digits)} AS {name}")
        readable = f"{name} IS NOT NULL OR ({cell}) IS NULL"
        self.check(
            "cell-number",
            column,
            readable,
            "not a number in the declared form",
            cells.expected_number(numbers, digits),
        )
        self.plan.readable[name] = readable
        self._numbers[(column, spec.pattern, digits)] = name
        return name

    def _money(self, name: str, spec: FieldSpec) -> None:
        digits = 4 if name == "quantity" else self.digits
        required = (
            spec.required
            if spec.required is not None
            else name == "amount"
            or (
                name == "price"
                and self.info.role in {"sale", "settlement"}
                and "amount" not in self.fmt.fields
            )
        )
        value, column = self._money_value(name, spec, digits)
        if spec.negate:
            value = f"-({value})"
        if spec.negate_when:
            turned = " OR ".join(cells.condition(self.cell(c.column), c) for c in spec.negate_when)
            value = f"CASE WHEN {turned} THEN -({value}) ELSE {value} END"
        if spec.empty_when_status:
            allowed = cells.texts(spec.empty_when_status)
            value = f"coalesce({value}, CASE WHEN r_status IN {allowed} THEN {ZERO} END)"
        if spec.zero_when_status:
            untaken = cells.texts(spec.zero_when_status)
            value = f"CASE WHEN r_status IN {untaken} THEN {ZERO} ELSE {value} END"
        if name == "quantity":
            value = f"coalesce({value}, CAST(1 AS {MONEY_SQL}))"
        self.plan.derived[name] = f"try_cast({value} AS {MONEY_SQL})"
        self.plan.named.pop(name, None)
        if required:
            # A cell that is not a number is a fault of its own; it is not empty, too.
            faults = [f"NOT ({self.plan.readable[p]})" for p in re.findall(r"\bp\d+\b", value)]
            ok = " OR ".join([f"r_{name} IS NOT NULL", *dict.fromkeys(faults)])
            self.check("cell-empty", column, ok, f"no {name}", "an amount")

    def _money_value(self, name: str, spec: FieldSpec, digits: int) -> tuple[str, str]:
        if spec.debit is not None and spec.credit is not None:
            return self._debit_credit(spec, digits), spec.debit
        if spec.sum:
            parts = [self.number(c, spec, digits) for c in spec.sum]
            less = [self.number(c, spec, digits) for c in spec.minus]
            plus = " + ".join(f"coalesce({p}, {ZERO})" for p in parts)
            minus = "".join(f" - coalesce({p}, {ZERO})" for p in less)
            none = " AND ".join(f"{p} IS NULL" for p in [*parts, *less])
            return f"CASE WHEN {none} THEN NULL ELSE {plus}{minus} END", spec.sum[0]
        if spec.constant is not None:
            return f"CAST({text(spec.constant)} AS {MONEY_SQL})", name
        if spec.column is None:
            raise UsageError(f"format {self.fmt.name}: [fields.{name}] is money: give a column")
        value = self.number(spec.column, spec, digits)
        if spec.marker is not None:
            mark = self.cell(spec.marker)
            debit, credit = cells.texts(spec.debit_mark), cells.texts(spec.credit_mark)
            self.check(
                "cell-mark",
                spec.marker,
                f"{mark} IN {debit} OR {mark} IN {credit} "
                f"OR ({mark} IS NULL AND {self.cell(spec.column)} IS NULL)",
                "neither debit nor credit",
                " or ".join((*spec.debit_mark, *spec.credit_mark)),
            )
            positive = f"{value} >= 0 OR {value} IS NULL"
            self.check(
                "cell-sign",
                spec.column,
                f"{positive} OR coalesce({mark} IN {debit}, false)" if spec.signed else positive,
                "negative beside a debit or credit mark",
            )
            taken = f"-abs({value})" if spec.signed else f"-{value}"
            value = (
                f"CASE WHEN {mark} IN {debit} THEN {taken} WHEN {mark} IN {credit} THEN {value} END"
            )
        return value, spec.column

    def _debit_credit(self, spec: FieldSpec, digits: int) -> str:
        assert spec.debit is not None
        assert spec.credit is not None
        debit = self.number(spec.debit, spec, digits)
        credit = self.number(spec.credit, spec, digits)
        shown = f"concat_ws(' | ', {self.cell(spec.debit)}, {self.cell(spec.credit)})"
        if not spec.signed:
            positive = f"coalesce({debit}, 0) >= 0 AND coalesce({credit}, 0) >= 0"
            self.check("cell-sign", spec.debit, positive, "negative debit or credit", None, shown)
        one = f"coalesce({debit}, 0) = 0 OR coalesce({credit}, 0) = 0"
        self.check(
            "debit-and-credit",
            spec.debit,
            one,
            "a debit and a credit in one record",
            "one of the two",
            shown,
        )
        none = f"{debit} IS NULL AND {credit} IS NULL"
        value = f"coalesce({credit}, {ZERO}) - coalesce({debit}, {ZERO})"
        return f"CASE WHEN {none} THEN NULL ELSE {value} END"

    def _amount_and_cost(self) -> None:
        plan, fields, role = self.plan, self.fmt.fields, self.info.role
        get = dict(plan.derived)
        if role == "sale" and "price" in get:
            off = [
                f"coalesce({get[n]}, {ZERO})" for n in ("discount", "discount_partner") if n in get
            ]
            paid = f"try_cast({' - '.join([get['price'], *off])} AS {MONEY_SQL})"
            if "amount" in fields:
                self.check(
                    "amount-mismatch",
                    record_checks.first_column(fields["amount"], "amount"),
                    f"r_amount = {paid} OR {paid} IS NULL",
                    "amount is not price less discounts",
                )
            else:
                plan.derived["amount"] = paid
        if role == "settlement" and "price" in get and "amount" not in fields:
            # Gross less what was taken is net: reports with a mark beside each figure state no net.
            off = [f"coalesce({get[n]}, {ZERO})" for n in ("fee", "commission", "vat") if n in get]
            plan.derived["amount"] = f"try_cast({' - '.join([get['price'], *off])} AS {MONEY_SQL})"
        if "discount_partner" in get:
            self.check(
                "discount-partner",
                record_checks.first_column(fields["discount_partner"], "discount_partner"),
                "coalesce(r_discount_partner, 0) = 0",
                "a discount that another party funds needs an account in an SOP first",
                "0",
            )
        if role == "sale" and "refunded_at" in fields:
            column = record_checks.first_column(fields["refunded_at"], "refunded_at")
            self.check(
                "refund-contradicts",
                column,
                "r_status <> 'success' OR r_refunded_at IS NULL",
                "a refund time on a record that says success",
                "no refund time",
            )
        if role in {"supply", "deposit"} and "cost" not in fields and "amount" in get:
            plan.derived["cost"] = (
                f"CASE WHEN r_kind = 'usage' THEN try_cast(abs({get['amount']}) AS {MONEY_SQL}) END"
            )
        if "amount" not in plan.derived:
            raise UsageError(f"format {self.fmt.name}: [fields] maps no amount for role {role}")

    def _days(self) -> None:
        named = self.plan.named
        known = [named[f"{n}_day"] for n in ("occurred_at", "created_at") if f"{n}_day" in named]
        named["day"] = f"coalesce({', '.join([*known, named['file_day']])})"
        for day, moment in (("paid_day", "paid_at"), ("refund_day", "refunded_at")):
            if f"{moment}_day" in named:
                named[day] = named[f"{moment}_day"]
        for moment in TIME_FIELDS:
            named.pop(f"{moment}_day", None)
