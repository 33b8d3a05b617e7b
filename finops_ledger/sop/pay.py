"""Where a settlement is paid to, and under which guards: ``[versions.settlement.pay]``.

The account of a beneficiary is data of the SOP: it changes with a new version, which two people sign. Whoever could
change it on a payment list could divert the payment.
"""

from __future__ import annotations

import re
from string import Formatter
from typing import Annotated, Final

from pydantic import AfterValidator, Field, field_validator

from finops_ledger.sop.parts import Part

#: What names of banks and of account holders, and texts of transfers, are written with.
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,'()/&_-]*")
_NUMBER: Final = re.compile(r"[0-9]{5,34}")
#: What ``remark`` may name: the settlement with and without ``STL-``, what follows the partner's name, the partner.
REMARKS: Final = ("settlement", "code", "ref", "counterparty")


def _plain(value: str) -> str:
    if not _PLAIN.fullmatch(value) or value != value.strip():
        raise ValueError(
            f"{value!r}: letters, digits, blanks and . , ' ( ) / & _ - only, a letter or digit first; what else "
            "there is does not reach the bank as it stands"
        )
    return value


def _number(value: str) -> str:
    if not _NUMBER.fullmatch(value):
        raise ValueError(f"{value!r}: the number of an account is 5 to 34 digits and nothing else")
    return value


PlainText = Annotated[str, Field(max_length=70), AfterValidator(_plain)]
AccountNumber = Annotated[str, AfterValidator(_number)]
BankCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{0,12}$")]


class Pay(Part):
    """The account of the beneficiary, and how it is paid.

    ``code``: what uploads call the bank by (a SWIFT or clearing code). ``from``: our account, as the books call it.
    ``rails``: only these. ``remark``: what the bank's line will say. ``before_statement``: whether we pay by our own
    figures, before they have billed.
    """

    bank: PlainText
    account: AccountNumber
    name: PlainText
    code: BankCode = ""
    from_: str = Field(default="", alias="from")
    rails: tuple[str, ...] = ()
    remark: str = "{code}"
    before_statement: bool = False

    @field_validator("remark")
    @classmethod
    def _names_known(cls, value: str) -> str:
        try:
            named = [field for _, field, _, _ in Formatter().parse(value) if field is not None]
        except ValueError as error:
            raise ValueError(f"remark: {error}") from error
        for name in named:
            if name not in REMARKS:
                raise ValueError(f"remark: {{{name}}} is not known; known: {', '.join(REMARKS)}")
        _plain(value.format(**dict.fromkeys(REMARKS, "x")))
        return value

    @property
    def told(self) -> str:
        """The account in one line, as a decision records it."""
        return f"{self.bank} {self.account} {self.name}"
