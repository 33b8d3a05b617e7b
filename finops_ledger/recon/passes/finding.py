"""One pass over the units at hand: what it finds, what it doubts, and where it had to stop."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

from finops_ledger.core.schema import MONEY
from finops_ledger.recon import tables as rt
from finops_ledger.recon.job import Outcome
from finops_ledger.recon.passes import pairing, subsets, sums
from finops_ledger.recon.passes import tables as pt
from finops_ledger.recon.rules import Rule
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.compiled import query

_MEMBERS: Final = pa.schema(
    [
        (name, {"int64": pa.int64(), "string": pa.string()}.get(ty, MONEY))
        for name, ty in sums.MEMBER.items()
    ]
)
#: Groups that one search for subsets looks at.
_GROUPS: Final = 2_000

Row = dict[str, Any]


def find(engine: en.Engine, rule: Rule, first: str, result: Outcome) -> bool:
    """Lay out ``new_links`` and ``new_shares`` of a pass, and add them to what is kept; say whether there are any.

    ``first``: what the key of two files of one partner is called. Doubts are added to ``doubts``; what was not
    looked at for its number, to ``result.bounds``.
    """
    if rule.cardinality == "one-to-one":
        return _pair(engine, rule, first, result)
    if rule.cardinality == "subset":
        _search(engine, rule, first, result)
    else:
        engine.keep("members", query(sums.members, rule, first))
    if not engine.rows("select 1 from members limit 1"):
        return False
    engine.keep("told", query(sums.told, rule))
    if rule.suggest:
        engine.keep("new_doubts", query(sums.doubts, rule))
        _add(engine, "doubts", pt.DOUBT)
        return False
    engine.keep("new_shares", query(sums.shares, rule))
    engine.keep("new_links", query(sums.links, rule))
    _add(engine, "shares", pt.SHARE)
    _add(engine, "links", pt.LINK)
    return True


def _pair(engine: en.Engine, rule: Rule, first: str, result: Outcome) -> bool:
    if engine.keep("crowds", query(pairing.crowds, rule, first)):
        found = engine.rows("select count(*) as n, sum(pairs) as pairs from crowds")[0]
        result.bounds.append(
            f"pass {rule.name}: {found['pairs']} pairs of {found['n']} value(s) were not compared one by one; "
            f"the bound is {rule.bound} pairs a value"
        )
    if not engine.keep("pairs", query(pairing.pairs, rule, first)):
        return False
    engine.keep("judged", query(pairing.judged, rule, first))
    engine.keep("new_doubts", query(pairing.suggestions, rule, first))
    _add(engine, "doubts", pt.DOUBT)
    if not engine.keep("new_links", query(pairing.links, rule, first)):
        return False
    engine.keep("new_shares", en.empty(rt.sql_types(pt.SHARE)))
    _add(engine, "links", pt.LINK)
    return True


def _add(engine: en.Engine, name: str, columns: dict[str, str]) -> None:
    """Add what the pass has found to what earlier ones have."""
    listed = ", ".join(f'"{c}"' for c in columns)
    new = f"select {listed} from new_{name}"
    # Nothing is put together with nothing: Spark's planner stumbles over it.
    if engine.count(f"new_{name}"):
        before = f"select {listed} from {name} union all " if engine.count(name) else ""
        engine.keep(name, before + new)


def _search(engine: en.Engine, rule: Rule, first: str, result: Outcome) -> None:
    """Lay out the members of every sum that is the only one, found in plain Python over few units."""
    total = engine.keep("tried", query(sums.tried, rule, first))
    groups: dict[str, tuple[list[subsets.Candidate], list[subsets.Candidate]]] = {}
    units_of: dict[tuple[str, str, str], Row] = {}
    for at, side in enumerate(("left", "right") if total else ()):
        looked = query(sums.looked_at, rule, first, side, subsets.CANDIDATES, _GROUPS)
        for row in engine.rows(looked):
            value = f"{row['said']}\x1f{row['slot']}"
            amount = int(row["amount"].scaleb(4))
            groups.setdefault(value, ([], []))[at].append(
                subsets.Candidate(row["key"], amount, row["fresh"])
            )
            units_of[value, side, row["key"]] = row
    taken, doubtful, hit = subsets.search_all(groups, rule.bound)
    alone = len(hit) + total - len(groups)
    if alone:
        result.bounds.append(
            f"pass {rule.name}: the search for sums hit its bound ({rule.bound} steps, "
            f"{subsets.CANDIDATES} rows) at {alone} of {total} values; nothing is decided there"
        )
    engine.give("members", _members({} if rule.suggest else taken, units_of))
    both = [(value, one) for value in sorted(doubtful) for one in [doubtful[value]]]
    if rule.suggest:
        both += [(value, taken[value]) for value in sorted(taken)]
    _doubt(engine, rule, both, units_of)


def _members(
    found: dict[str, list[subsets.Found]], units_of: dict[tuple[str, str, str], Row]
) -> pa.Table:
    """The members of sums as a table: each sum is a group of its own."""
    listed = []
    for value, each in found.items():
        for number, one in enumerate(each):
            for side, names in (("left", one.left), ("right", one.right)):
                rows = [units_of[value, side, name] for name in names]
                rows.sort(key=lambda r: (str(r["at"]), r["key"], str(r["own_key"])))
                for nr, row in enumerate(rows):
                    said = f"{value}\x1f{number}"
                    listed.append({**row, "said": said, "side": side, "nr": nr})
    columns = {n: [row[n] for row in listed] for n in _MEMBERS.names}
    return pa.table(columns, schema=_MEMBERS)


def _doubt(
    engine: en.Engine,
    rule: Rule,
    found: list[tuple[str, list[subsets.Found]]],
    units_of: dict[tuple[str, str, str], Row],
) -> None:
    """Suggest the sums between which a person decides, the first few of each value."""
    listed = []
    for value, each in found:
        for one in each[: pairing.NAMED]:
            count = f"{len(one.left)} of ours and {len(one.right)} of theirs add up"
            reason = f"{rule.name}: {count}" + (f", one of {len(each)} ways" * (len(each) > 1))
            for l_name in sorted(one.left)[: pairing.NAMED]:
                for r_name in sorted(one.right)[: pairing.NAMED]:
                    slot = units_of[value, "left", l_name]["slot"]
                    listed.append([l_name, slot, r_name, slot, reason])
    if listed:
        schema = pa.schema([(n, pa.string()) for n in pt.DOUBT])
        columns = [list(c) for c in zip(*listed, strict=True)]
        engine.give("new_doubts", pa.table(columns, schema=schema))
        _add(engine, "doubts", pt.DOUBT)
