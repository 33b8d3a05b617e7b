"""From here to the partner's deposit: when money can be sent, and when it is credited.

A lane is a rail with the people at both ends: our approvers, who send, and the partner, who credits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from finops_ledger.core.calendars import Calendar
from finops_ledger.core.days import zone
from finops_ledger.core.errors import UsageError
from finops_ledger.sop.funding import Crediting, OpenHours
from finops_ledger.sop.rails import Rail

_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Lane:
    """One rail, our approvers (in ``zone``) and the partner's crediting hours (in ``partner_zone``)."""

    rail: Rail
    approvers: OpenHours
    crediting: Crediting
    calendar: Calendar
    zone: str = "Asia/Jakarta"
    partner_zone: str = "Asia/Jakarta"

    def next_send(self, moment: datetime) -> datetime:
        """Return the next moment (UTC), from ``moment`` on, at which an approver is there and the rail is open.

        Both ends of the hours count: what leaves at the cut-off has left in time. Raises UsageError when there is none
        within 60 days, HolidaysMissing when it may lie in a year without a table.
        """
        moment = moment.astimezone(UTC)
        for day, opens, closes in self.approvers.spans(moment, self.calendar, self.zone):
            for near in self._near(day):
                span = self.rail.open_on(near, self.calendar)
                if span is None:
                    continue
                start, end = max(opens, span[0], moment), min(closes, span[1])
                if start <= end:
                    return start
        raise UsageError(
            f"rail {self.rail.name} is never open while an approver is there: see hours of [[rails]] and "
            "[versions.funding.approvers]"
        )

    def credited(self, sent: datetime) -> datetime:
        """Return when (UTC) what is sent at a moment is credited.

        The partner begins when the money has arrived and somebody is there, and takes its lead time; what it does not
        end before it closes, it does when it opens again.
        """
        arrived = self.rail.arrives(sent)
        for _, opens, closes in self.crediting.spans(arrived, self.calendar, self.partner_zone):
            done = max(arrived, opens) + self.crediting.lead
            if done <= closes:
                return done
        raise UsageError(
            "the partner is never there long enough to credit a top-up: see [versions.funding.crediting]"
        )

    def reaches(self, moment: datetime) -> datetime:
        """Return when (UTC) what can be sent from ``moment`` on is credited."""
        return self.credited(self.next_send(moment))

    def last_send(self, since: datetime, until: datetime) -> datetime | None:
        """Return the last minute from ``since`` on at which to send, so that it is credited by ``until``.

        None when it is too late already. What is sent later is never credited earlier: the last one is found by
        halving.
        """
        if self.reaches(since) > until:
            return None
        low, high = 0, max((until - since) // _MINUTE, 0)
        while low < high:
            middle = (low + high + 1) // 2
            if self.reaches(since + middle * _MINUTE) <= until:
                low = middle
            else:
                high = middle - 1
        return self.next_send(since + low * _MINUTE)

    def _near(self, day: date) -> tuple[date, ...]:
        """The day; and its neighbours, where the rail's days are those of another zone."""
        if self.rail.zone == self.zone:
            return (day,)
        return day - timedelta(days=1), day, day + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Horizon:
    """What a top-up must reach: sent at the first chance, it lasts until one of the next chance is credited."""

    first_send: datetime
    first_credit: datetime
    next_send: datetime
    until: datetime


def horizon(lanes: Sequence[Lane], at: datetime) -> Horizon:
    """Return the horizon of a top-up that is decided at a moment, over all lanes that may be used.

    The next chance is the next day on which approvers are there, after the day on which this one can be sent. Each
    end is that of the lane by which money is there first.
    """
    sends = [(lane.next_send(at), lane) for lane in lanes]
    first_send = min(sent for sent, _ in sends)
    first_credit = min(lane.credited(sent) for sent, lane in sends)
    one = lanes[0]
    today = first_send.astimezone(zone(one.zone)).date()
    later = one.approvers.spans(first_send, one.calendar, one.zone)
    again = next((opens for day, opens, _ in later if day > today), None)
    if again is None:
        raise UsageError("approvers are there on one day only: see [versions.funding.approvers]")
    until, next_send = min((lane.reaches(again), lane.next_send(again)) for lane in lanes)
    return Horizon(first_send, first_credit, next_send, until)
