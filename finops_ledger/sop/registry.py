"""All SOPs of a workspace, and the price lists that they name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from finops_ledger.core import taxes
from finops_ledger.core.days import zone
from finops_ledger.core.errors import UsageError
from finops_ledger.core.taxes import Tax
from finops_ledger.intake import toml
from finops_ledger.sop import prices
from finops_ledger.sop.model import Sop, Version
from finops_ledger.sop.terms import Commission

_DAY = timedelta(days=1)
#: Orders older than this before the books begin are not priced with tax: nobody's file changes them any more.
_BEFORE = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class PricedRule:
    """Cost and recognition of one product over one stretch of time, for one partner.

    ``model``: agent, principal, or ``stock``: principal, the cost by the lots of the vault. ``ppn``: the PPN on the
    margin or on the commission, as the table of taxes has it in that time; None: there is none, or the SOP says it.
    """

    partner: str
    price: prices.Price
    model: str
    tax: str
    start: datetime
    end: datetime
    commission: Commission | None = None
    ppn: Tax | None = None

    @property
    def vat(self) -> tuple[int, int, int, int, int]:
        """The VAT of the commission as whole numbers: its base over and under, the rate over and under, half up.

        What the SOP says; where it says nothing and the category's tax is ppn-commission, the table of taxes.
        """
        one = self.commission
        if one is None or self.ppn is None or not _by_table(self.tax, one):
            rate = one.vat if one is not None and isinstance(one.vat, Decimal) else Decimal(0)
            return *(one.fraction if one is not None else (1, 1)), *rate.as_integer_ratio(), 1
        base, rate_ = self.ppn.base.as_integer_ratio(), self.ppn.rate.as_integer_ratio()
        return *base, *rate_, int(self.ppn.rounding == "half-up")


@dataclass
class Registry:
    """The SOPs by counterparty; ``start`` is the day on which the books begin."""

    sops: dict[str, Sop]
    zone: str
    root: Path
    start: date = date.min
    currency: str = "IDR"
    _prices: dict[str, list[prices.Price]] = field(default_factory=dict)

    def of(self, counterparty: str) -> Sop:
        """Return a counterparty's SOP; raise UsageError naming the file to write."""
        try:
            return self.sops[counterparty]
        except KeyError:
            raise UsageError(
                f"no SOP for {counterparty!r}: write sops/{counterparty}.toml, or name the "
                "counterparty in finops.toml as its SOP does"
            ) from None

    def named(self, type_: str) -> list[Sop]:
        """Return the SOPs of one type (supplier, gateway, bank) by counterparty."""
        return [s for _, s in sorted(self.sops.items()) if s.type == type_]

    def stated(self, counterparty: str, day: date) -> bool:
        """Say whether a supplier's deposit moves by its deposit statement on a day, not by its transactions."""
        sop = self.sops.get(counterparty)
        return sop is not None and sop.stated_on(day)

    def supplies(self, counterparty: str | None) -> bool:
        """Say whether a counterparty is a supplier."""
        sop = self.sops.get(counterparty or "")
        return sop is not None and sop.type == "supplier"

    def model(self, counterparty: str | None, day: date) -> str:
        """Return how a supplier supplies on a day: prepaid where nothing says otherwise."""
        sop = self.sops.get(counterparty or "")
        return (sop.model_on(day) if sop is not None else "") or "prepaid"

    @property
    def models(self) -> tuple[str, ...]:
        """Return the models beside prepaid that any supplier has; empty for most books."""
        found = {m for s in self.named("supplier") for m in s.models}
        return tuple(sorted(found - {"prepaid"}))

    def calendars(self, company: str) -> set[str]:
        """Return the calendars by which settlements are counted; ``company`` stands for an empty name."""
        schedules = [
            v.settlement.schedule
            for s in self.sops.values()
            for v in s.versions
            if v.settlement is not None and v.settlement.schedule is not None
        ]
        return {name or company for one in schedules for name in one.calendars}

    def aliases(self) -> dict[str, str]:
        """Return every code under which a supplier may stand in a sales file."""
        return {
            a: s.counterparty for s in self.named("supplier") for a in [s.counterparty, *s.aliases]
        }

    def price_list(self, path: str) -> list[prices.Price]:
        """Return a price list of the workspace, read once."""
        if path not in self._prices:
            self._prices[path] = prices.load(self.root / path, self.zone)
        return self._prices[path]

    def their_products(self, counterparty: str) -> tuple[str, ...]:
        """Return every code that a supplier's price lists know, as the supplier calls it."""
        sop = self.sops.get(counterparty)
        lists = {v.prices for v in sop.versions if v.prices} if sop is not None else set()
        return tuple(sorted({p.theirs for path in lists for p in self.price_list(path)}))

    def rules(self) -> Iterator[PricedRule]:
        """Yield cost and recognition of every product of every supplier, cut at version changes."""
        for sop in self.named("supplier"):
            for number, version in enumerate(sop.versions):
                if version.prices is None:
                    continue
                start = prices.FIRST if number == 0 else self._midnight(version.effective)
                later = sop.versions[number + 1 :]
                end = self._midnight(later[0].effective) if later else prices.LAST
                for price in self.price_list(version.prices):
                    how = version.recognition.get(price.category)
                    if how is None:
                        raise UsageError(
                            f"sops/{sop.counterparty}.toml: version {version.change_id} does not say "
                            f"how category {price.category!r} is recognised; add "
                            f'[versions.recognition.{price.category}] model = "agent" or "principal"'
                        )
                    first, last = max(start, price.start), min(end, price.end)
                    if first < last:
                        model = _model(sop.counterparty, version, price.category, how.model)
                        granted = _commission(sop.counterparty, version, price, how.tax)
                        for ppn, since, until in self._taxed(how.tax, granted, first, last):
                            yield PricedRule(
                                sop.counterparty, price, model, how.tax, since, until, granted, ppn
                            )

    def _taxed(
        self, tax: str, granted: Commission | None, first: datetime, last: datetime
    ) -> Iterator[tuple[Tax | None, datetime, datetime]]:
        """Cut a stretch where the rate or the rounding of PPN changes; what lies long before the books is left out."""
        if tax != "ppn-margin" and not _by_table(tax, granted):
            yield None, first, last
            return
        for one in taxes.of_code(taxes.PPN):
            if one.until is not None and (one.until - date.min) + _BEFORE > self.start - date.min:
                start, end = self._midnight(one.valid_from), self._midnight(one.until + _DAY)
            elif one.until is None:
                start, end = self._midnight(one.valid_from), prices.LAST
            else:
                continue
            if max(start, first) < min(end, last):
                yield one, max(start, first), min(end, last)

    def _midnight(self, day: date) -> datetime:
        local = datetime(day.year, day.month, day.day, tzinfo=zone(self.zone))
        return local.astimezone(UTC)


def _by_table(tax: str, granted: Commission | None) -> bool:
    """Whether the VAT of a category's commission is that of the table of taxes."""
    if granted is None:
        return tax == "ppn-commission"
    return isinstance(granted.vat, str) or (granted.vat is None and tax == "ppn-commission")


def _model(who: str, version: Version, category: str, model: str) -> str:
    if version.supply is None or version.supply.model != "stock":
        return model
    if model != "principal":
        raise UsageError(
            f"sops/{who}.toml: version {version.change_id} keeps {category!r} in stock, which only a principal "
            f'does; write model = "principal" under [versions.recognition.{category}]'
        )
    return "stock"


def _commission(who: str, version: Version, price: prices.Price, tax: str) -> Commission | None:
    found = version.commission.get(price.category)
    if found is None and (price.net or tax == "ppn-commission"):
        what = f'tax = "{tax}"' if tax == "ppn-commission" else f"the cost of {price.product}"
        raise UsageError(
            f"sops/{who}.toml: {what} needs the commission of {price.category!r}; version "
            f'{version.change_id} lacks [versions.commission.{price.category}] amount = "…" (or rate)'
        )
    return found


def load(root: Path, zone_name: str, start: date = date.min, currency: str = "IDR") -> Registry:
    """Read every ``sops/*.toml`` of a workspace."""
    sops: dict[str, Sop] = {}
    for path in sorted((root / "sops").glob("*.toml")):
        sop = toml.load(path, Sop)
        if sop.counterparty in sops:
            raise UsageError(f"{path}: {sop.counterparty} has another SOP already")
        if path.stem != sop.counterparty:
            raise UsageError(f"{path}: the file must be called {sop.counterparty}.toml")
        sops[sop.counterparty] = sop
    return Registry(sops, zone_name, root, start, currency)
