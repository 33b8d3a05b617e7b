"""finops.toml ``[payments]``: the accounts that we pay from, and how the bank takes a list of transfers."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from pydantic import Field, field_validator, model_validator

from finops_ledger.intake.conditions import suggestion
from finops_ledger.sop.parts import Part, Span
from finops_ledger.sop.pay import AccountNumber, BankCode, PlainText
from finops_ledger.treasury import uploads
from finops_ledger.treasury.transfers import Account
from finops_ledger.treasury.uploads import Layout


class OwnAccount(Part):
    """An account of ours: ``account`` as the books call it, the rest as the bank does. ``layout``: its own one."""

    account: str = Field(pattern=r"^Assets:Bank(:[A-Z0-9][A-Za-z0-9-]*)+$")
    bank: PlainText
    number: AccountNumber
    name: PlainText
    code: BankCode = ""
    layout: str = ""

    @property
    def at_bank(self) -> Account:
        """The account as transfers name it."""
        return Account(self.bank, self.number, self.name, self.code)


class Payments(Part):
    """Settlement runs. The first of ``accounts`` pays where an SOP names none; ``watch``: for how long the account of
    a beneficiary counts as new."""

    accounts: tuple[OwnAccount, ...] = ()
    layout: str = "generic"
    watch: Span = timedelta(days=30)
    layouts: dict[str, Layout] = Field(default_factory=dict)

    @field_validator("accounts")
    @classmethod
    def _each_once(cls, value: tuple[OwnAccount, ...]) -> tuple[OwnAccount, ...]:
        names = [one.account for one in value]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"accounts: {name} stands twice")
        return value

    @model_validator(mode="after")
    def _layouts_known(self) -> Self:
        known = [*uploads.shipped(), *self.layouts]
        for name in (self.layout, *(one.layout for one in self.accounts if one.layout)):
            if name not in known:
                raise ValueError(
                    f"layout {name!r}: there is no such layout{suggestion(name, known)}; known: {', '.join(known)}"
                )
        return self

    def layout_of(self, account: OwnAccount) -> tuple[str, Layout]:
        """Return the layout of an account's uploads, and its name: the company's own before a shipped one."""
        name = account.layout or self.layout
        return name, self.layouts.get(name) or uploads.shipped()[name]
