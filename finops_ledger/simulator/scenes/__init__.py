"""The scenes of the stage: each class of break once played through, with the truth of it written beside it.

A scene begins on a day, with a partner; it says what every file shows of it, and of which class the item is from
which day to which. ``Timing`` and ``pending`` are truths as well.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from finops_ledger.simulator.players import PLAYERS
from finops_ledger.simulator.scenes import (
    bills,
    deliveries,
    deposits,
    gateway,
    goods,
    lapses,
    vault,
)
from finops_ledger.simulator.stage import Stage

#: Scenes that every partner on deposit plays.
OF_PARTNERS: Final = (
    deliveries.matched, deliveries.cut_off, deliveries.pending_then_success,
    deliveries.delivered_not_recorded, deliveries.undelivered_overdue,
    deliveries.missing_at_partner, deliveries.missing_at_platform, deliveries.partner_failed,
    deliveries.late_success, deliveries.late_success_next_day, deliveries.duplicate_delivery,
    deliveries.cost_mismatch, deliveries.late_reversal, deliveries.restore_missing,
    deliveries.status_unknown, deliveries.unexplained_movement, deliveries.refund_overdue,
    deliveries.refunded_later,
    goods.product_mismatch, goods.serial_reused, goods.delivered_by_both,
    goods.delivered_by_another, goods.refunded_by_another, goods.late_success_of_another,
    goods.not_recorded_by_another,
    deposits.topup, deposits.topup_not_credited, deposits.topup_short, deposits.topup_split,
    deposits.topup_mismatch,
)  # fmt: skip
#: Scenes of a partner with one file, and of one with two.
OF_ONE_FILE: Final = (deposits.balance_gap, deposits.unreadable)
OF_TWO_FILES: Final = (
    deposits.not_in_statement, deposits.repriced_in_statement, deposits.only_in_statement,
    deposits.gap_in_statement, deposits.unreadable_in_statement,
)  # fmt: skip
#: Scenes that are played once, whoever the partner is.
OF_GATEWAY: Final = (
    gateway.amount_mismatch, gateway.missing_in_settlement, gateway.unknown_in_settlement,
    gateway.refund_mismatch, gateway.chargeback, gateway.unidentified_credit,
    gateway.payout_of_nothing,
)  # fmt: skip
OF_BILLER: Final = (
    bills.billed, bills.commission_short, bills.bill_differs, bills.bill_missing, bills.payments,
    bills.paid_without_list,
)  # fmt: skip
OF_FILES: Final = (lapses.file_missing, lapses.file_short, lapses.file_late, lapses.file_defect)


def play(rng: np.random.Generator, stage: Stage, times: int) -> None:
    """Play every scene ``times`` times with each partner, on days drawn at random.

    Files lapse once, on days one after the other: a partner has one file a day, and the one after the late one is
    in time.
    """
    last = max(stage.world.days - 3, 2)
    for _ in range(times):
        for scene in OF_PARTNERS:
            for player in PLAYERS:
                scene(stage, player, int(rng.integers(0, last)))
        for player in PLAYERS:
            for scene in OF_TWO_FILES if player.statement else OF_ONE_FILE:
                scene(stage, player, int(rng.integers(1, last)))
        for scene in OF_GATEWAY:
            scene(stage, PLAYERS[0], int(rng.integers(1, last)))
        for of_bills in OF_BILLER:
            of_bills(stage, int(rng.integers(0, last)))
        vault.from_stock(stage, int(rng.integers(0, last)))
    vault.lot(stage, 0, 2 * times)
    lapses.every_day(stage)
    first = int(rng.integers(1, max(last - len(OF_FILES), 1) + 1))
    for day, lapse in enumerate(OF_FILES, first):
        lapse(stage, day)
    gateway.settlements(stage, 1, times)
