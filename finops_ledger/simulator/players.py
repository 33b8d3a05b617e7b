"""Who plays on the stage: what is sold there, its partners, and how each of them is paid."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

GATEWAY: Final = "PG2"
EVERYBODY: Final = "customers"
OPENING: Final = 50_000_000


class Ware(NamedTuple):
    """What is sold on the stage: its code, category, what the partner charges, what the customer pays."""

    code: str
    category: str
    cost: int
    price: int


PULSA: Final = Ware("SP50", "Pulsa", 49_800, 51_000)
TOKEN: Final = Ware("ST100", "PLN-Token", 100_300, 102_500)
VOUCHER: Final = Ware("SV86", "Game-Voucher", 18_700, 22_000)
BUNDLE: Final = Ware("SV172", "Game-Voucher", 36_500, 43_000)
CODE: Final = Ware("SC60", "Game-Voucher", 13_600, 16_000)
#: A bill with its admin fee; the biller grants a commission on it, with VAT.
BILL: Final = Ware("SPLN", "PLN-Postpaid", 351_168, 352_500)
BILLED, ADMIN, COMMISSION, PPN = 350_000, 2_500, 1_200, 132
WARES: Final = (PULSA, TOKEN, VOUCHER)


class Player(NamedTuple):
    """A partner of the stage.

    ``statement``: a deposit statement beside its transactions moves the deposit. ``due``: when its file of a day
    must be in, the day after.
    """

    name: str
    wares: tuple[Ware, ...]
    statement: bool = False
    model: Literal["prepaid", "postpaid", "stock"] = "prepaid"
    due: str = ""

    def ware(self, day: int) -> Ware:
        """Return what it delivers in the scenes of a day."""
        return self.wares[day % len(self.wares)]


#: One file; two files, a little dearer; vouchers only, of which the whole price is revenue.
PRIMA: Final = Player("Prima", WARES)
DUO: Final = Player("Duo", tuple(w._replace(cost=w.cost + 75) for w in WARES), statement=True)
VOUCH: Final = Player("Vouch", (VOUCHER, BUNDLE))
#: Bills, paid afterwards; codes, held in a vault; files that do not come as they should.
BILLER: Final = Player("Biller", (BILL,), model="postpaid")
DEPOT: Final = Player("Depot", (CODE,), model="stock")
LAPSE: Final = Player("Lapse", (PULSA,), due="06:00")
PLAYERS: Final = (PRIMA, DUO, VOUCH)
CAST: Final = (*PLAYERS, BILLER, DEPOT, LAPSE)


def another(player: Player) -> Player:
    """Return a partner of the first three who delivers the same wares."""
    return DUO if player is PRIMA else PRIMA
