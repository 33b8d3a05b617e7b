"""Tables as pandas DataFrames whose amounts are exact decimals."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from finops_ledger.books import deposits, settling
from finops_ledger.books.figures import AMOUNTS
from finops_ledger.core.errors import UsageError

if TYPE_CHECKING:
    from finops_ledger.books.reader import Reader

_MONEY = {
    "breaks": ("residue", "claimed", "exposure"),
    "deposits": deposits.AMOUNTS,
    "topup": (
        "balance",
        "in_transit",
        "suspect",
        "pending",
        "unsent",
        "amount",
        "tax",
        "transfer",
        "fee",
    ),
    "revenue": AMOUNTS,
    "stock": ("cost", "units", "value"),
    "taxes": ("base", "expected", "taken", "difference", "slips", "missing"),
    "settlements": settling.MONEY,
    "days": (),
}


def frame(books: Reader, name: str, **choices: Any) -> Any:
    """Return a table of the books; ``choices`` are those of the method of the same name."""
    import pandas as pd  # heavy: only where a frame is asked for

    if name not in _MONEY:
        raise UsageError(f"there is no table {name!r}; there are {', '.join(_MONEY)}")
    if name == "days":
        rows = [
            {k: d[k] for k in ("day", "counterparty", "verdict", "reasons")}
            for d in books.status(**choices)["days"]
        ]
    elif name == "topup":
        rows = books.topup(**choices)["partners"]
    elif name == "stock":
        rows = books.stock(**choices)["lots"]
    else:
        rows = getattr(books, name)(**choices)
    made = pd.DataFrame(rows)
    for column in _MONEY[name]:
        if column in made:
            exact = [Decimal(v) if isinstance(v, str) else None for v in made[column]]
            made[column] = pd.Series(exact, dtype=object)
    return made
