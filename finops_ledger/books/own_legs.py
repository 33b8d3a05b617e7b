"""The legs that a company declares itself: collected from finops.toml and SOPs, and checked against both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from finops_ledger.books.config import NAME, Config, Source
from finops_ledger.core.errors import UsageError
from finops_ledger.intake.conditions import suggestion
from finops_ledger.recon.classes import CLASSES, NOT_BREAKS, WAITING
from finops_ledger.recon.legs import EVERYBODY, FREE, LEGS, Legs
from finops_ledger.sop.legs import LegRule, OwnClass, Rows
from finops_ledger.sop.registry import Registry

_CLASS: Final = re.compile(r"[a-z][a-z0-9_]*")
#: A declaration: where it stands, for whom, from which day on, and what it says.
_Found = tuple[str, str, date, LegRule]


def collect(config: Config, registry: Registry) -> Legs:
    """Return all legs of a workspace; UsageError names the declaration that cannot be followed, and why."""
    declared: dict[tuple[str, str], list[tuple[date, LegRule | None]]] = {}
    first_seen: dict[tuple[str, str], str] = {}
    classes: dict[str, tuple[OwnClass, str]] = {}
    for place, who, start, rule in _declarations(config, registry):
        _check(config, registry, place, who, rule)
        _own_classes(classes, place, rule)
        key = (who, rule.name)
        at = first_seen.setdefault(key, place)
        if at.partition(":")[0] != place.partition(":")[0]:
            raise UsageError(f"{place}: {at.partition(':')[0]} declares {rule.name!r} of {who} too")
        declared.setdefault(key, []).append((start, rule))
    for (who, name), versions in declared.items():
        if who in registry.sops and len(starts := _starts(registry, who)) > 1:
            declared[who, name] = _with_ends(versions, starts, f"sops/{who}.toml: leg {name!r}")
    _check_answers(registry, classes)
    parties = {who: sop.type for who, sop in registry.sops.items()}
    return Legs(declared, parties)


def _check_answers(registry: Registry, own: Iterable[str]) -> None:
    """Refuse owners and deadlines of a class that nothing could ever have."""
    known = (*CLASSES, *WAITING, *sorted(own), "default")
    for who, sop in sorted(registry.sops.items()):
        for version in sop.versions:
            for part, named in (("owners", version.owners), ("deadlines", version.deadlines)):
                for name in named:
                    if name not in known:
                        raise UsageError(
                            f"sops/{who}.toml: version {version.change_id}: [versions.{part}] names {name!r}, "
                            f"which is no class of break{suggestion(name, known)}; "
                            "docs/reference/breaks.md lists them, and default is every other"
                        )


def _declarations(config: Config, registry: Registry) -> Iterator[_Found]:
    for rule in config.legs:
        who = rule.counterparty or EVERYBODY
        if rule.counterparty and rule.counterparty not in registry.sops:
            raise UsageError(
                f"{NAME}: leg {rule.name!r}: counterparty {rule.counterparty!r} has no SOP"
                f"{suggestion(rule.counterparty, registry.sops)}; leave it out for a leg of nobody's account"
            )
        yield f"{NAME}: leg {rule.name!r}", who, date.min, rule
    for who, sop in sorted(registry.sops.items()):
        for number, version in enumerate(sop.versions):
            for rule in version.legs:
                place = f"sops/{who}.toml: version {version.change_id}, leg {rule.name!r}"
                if rule.counterparty not in ("", who):
                    raise UsageError(
                        f"{place}: counterparty is {rule.counterparty!r}; this is the SOP of {who}"
                    )
                yield place, who, version.effective if number else date.min, rule


def _starts(registry: Registry, who: str) -> list[date]:
    versions = registry.sops[who].versions
    return [v.effective if number else date.min for number, v in enumerate(versions)]


def _with_ends(
    versions: list[tuple[date, LegRule | None]], starts: list[date], place: str
) -> list[tuple[date, LegRule | None]]:
    """Say of each version of an SOP what it declares; a leg that ends does not begin again."""
    said = dict(versions)
    if said.keys() == {date.min} and len(starts) == 1:
        return versions
    by_start = [(start, said.get(start)) for start in starts]
    while by_start and by_start[0][1] is None:
        by_start.pop(0)
    ended = False
    for start, rule in by_start:
        if ended and rule is not None:
            raise UsageError(f"{place} begins again on {start}; give it another name")
        ended = ended or rule is None
    return by_start


def _check(config: Config, registry: Registry, place: str, who: str, rule: LegRule) -> None:
    if rule.name in LEGS:
        raise UsageError(f"{place}: this is the name of a leg of the package; choose another")
    for side, rows in (("left", rule.left), ("right", rule.right)):
        if rows.party in ("partner", "gateway") and who == EVERYBODY:
            raise UsageError(
                f'{place}: {side}: party = "{rows.party}" needs the counterparty that rows must name: '
                'write counterparty = "…"'
            )
        _check_sources(config, place, f"{side}: ", who, rows)
    if rule.account:
        _check_account(place, who, rule)


def _check_sources(config: Config, place: str, side: str, who: str, rows: Rows) -> None:
    known = {s.name: s for s in config.sources}
    for name in rows.sources:
        if name not in known:
            raise UsageError(
                f"{place}: {side}there is no source {name!r}{suggestion(name, known)}; "
                f"it could never run (known: {', '.join(known) or 'none'})"
            )
        if known[name].role != rows.role:
            raise UsageError(
                f"{place}: {side}source {name!r} has the role {known[name].role}, not {rows.role}; "
                "it could never run"
            )
    if not rows.sources and not any(_feeds(s, rows.role, who) for s in config.sources):
        raise UsageError(
            f"{place}: {side}no source of {NAME} has the role {rows.role}, so the leg could never run; "
            "add one under [[sources]]"
        )


def _feeds(source: Source, role: str, who: str) -> bool:
    about = source.counterparty in (None, who) or who == EVERYBODY or role == "bank"
    return source.role == role and about


def _check_account(place: str, who: str, rule: LegRule) -> None:
    if rule.account not in FREE:
        clears = [leg.name for leg in LEGS.values() if leg.account == rule.account]
        why = (
            f"the leg {clears[0]} clears it already, and one leg clears an account"
            if clears
            else "no rows move it in a way that a leg can follow"
        )
        raise UsageError(
            f"{place}: account {rule.account!r}: {why}; known: {', '.join(FREE)}. "
            "Without account the leg posts nothing and shows what it finds all the same"
        )
    for side, rows in (("left", rule.left), ("right", rule.right)):
        if rows.role not in FREE[rule.account]:
            moving = ", ".join(FREE[rule.account])
            raise UsageError(
                f"{place}: {side}: rows of role {rows.role} do not post to {rule.account}; "
                f"rows of role {moving} do"
            )
    if who == EVERYBODY:
        raise UsageError(f'{place}: account {rule.account!r} is one party\'s: counterparty = "…"')


def _own_classes(seen: dict[str, tuple[OwnClass, str]], place: str, rule: LegRule) -> None:
    for name, one in rule.own.items():
        if name in (*CLASSES, *NOT_BREAKS):
            raise UsageError(
                f"{place}: {name!r} is a class of the package; it is not declared again"
            )
        if not _CLASS.fullmatch(name):
            raise UsageError(f"{place}: own.{name}: a class is written in small letters, like_this")
        if name not in rule.classes.named:
            raise UsageError(
                f"{place}: own.{name} is declared, and no class of the leg bears its name"
            )
        other, at = seen.setdefault(name, (one, place))
        if other != one:
            raise UsageError(f"{place}: own.{name} is declared otherwise by {at}")
    for name in rule.classes.named:
        if name not in CLASSES and name not in rule.own:
            near = suggestion(name, [*CLASSES, *rule.own])
            raise UsageError(
                f"{place}: classes: unknown class {name!r}{near}; declare a new one under "
                f"[legs.own.{name}] with its priority and owner"
            )
        if rule.account and name in rule.own:
            raise UsageError(
                f"{place}: classes: {name!r} has no account to stand on; a leg with an account uses the "
                "classes of the package (docs/reference/breaks.md)"
            )
