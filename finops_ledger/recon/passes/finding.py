"""One pass over the units at hand: what it finds, what it doubts, and where it had to stop."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

from finops_ledger.core.schema import MONEY
from finops_ledger.recon import tables as rt
from finops_ledger.recon.job import Outcome
from finops_ledger.recon.passes import pairing, subsets, sums, units
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
        _add(engine, "doubts", pt.DOUBT, en.sql_of(query(sums.doubts, rule)))
        return False
    _take(engine, rule, query(sums.links, rule), gather="true", shares=query(sums.shares, rule))
    return True


def _pair(engine: en.Engine, rule: Rule, first: str, result: Outcome) -> bool:
    if engine.keep("crowds", query(pairing.crowds, rule, first)):
        found = engine.rows("select count(*) as n, sum(pairs) as pairs from crowds")[0]
        result.bounds.append(
            f"pass {rule.name}: {found['n']} values are shared by {found['pairs']} pairs, more than "
            f"{rule.bound} each; they were not compared one by one"
        )
    if not engine.keep("pairs", query(pairing.pairs, rule, first)):
        return False
    engine.keep("judged", query(pairing.judged, rule, first))
    _add(engine, "doubts", pt.DOUBT, en.sql_of(query(pairing.suggestions, rule, first)))
    # Where an open item stands on either side, the right one keeps its own place and its amount moves on.
    both = (
        "l_key in (select key from prior where left_batch is not null) "
        "and r_key in (select key from prior where left_batch is null)"
    )
    _take(engine, rule, query(pairing.links, rule, first), gather=both, shares=None)
    return engine.count("new_links") > 0


def _take(engine: en.Engine, rule: Rule, links: Any, *, gather: str, shares: Any) -> None:
    limit = "null" if rule.limit is None else f"'{rule.limit}'"
    more = (
        f"{en.literal(rule.name)} as rule, {limit} as \"limit\", "
        f"{en.literal(rule.account or None)} as account"
    )
    engine.keep(
        "new_links",
        rt.typed(pt.LINK, f"select *, {gather} as gather, {more} from ({en.sql_of(links)})"),
    )
    none = en.empty(rt.sql_types(pt.SHARE))
    given = f"select *, {more} from ({en.sql_of(shares)})" if shares is not None else none
    engine.keep("new_shares", rt.typed(pt.SHARE, given))
    _add(engine, "links", pt.LINK, "select * from new_links")
    _add(engine, "shares", pt.SHARE, "select * from new_shares")


def _add(engine: en.Engine, name: str, columns: dict[str, str], rows: str) -> None:
    listed = ", ".join(f'"{c}"' for c in columns)
    together = f"select {listed} from {name} union all select {listed} from ({rows})"
    engine.keep("more", rt.typed(columns, together))
    engine.keep(name, "select * from more")


def _search(engine: en.Engine, rule: Rule, first: str, result: Outcome) -> None:
    """Lay out the members of every sum that is the only one, found in plain Python over few units."""
    for side in ("left", "right"):
        engine.keep(f"{side}_asked", query(_asked, side, rule, first))
    engine.keep(
        "searched",
        "select said, slot, sum(n) as n from "
        "(select said, slot, count(*) as n, bool_or(fresh) as f, 1 as s from left_asked group by all "
        "union all select said, slot, count(*), bool_or(fresh), 2 from right_asked group by all) "
        "group by said, slot having count(*) = 2 and bool_or(f)",
    )
    total = engine.count("searched")
    chosen = (
        f"select said, slot from searched where n <= {subsets.CANDIDATES} "
        f"order by said, slot limit {_GROUPS}"
    )
    rows = {
        side: engine.rows(
            f"select * from {side}_asked where (said, slot) in ({chosen}) "
            "order by said, slot, at, key, own_key"
        )
        for side in ("left", "right")
    }
    groups: dict[str, tuple[list[subsets.Candidate], list[subsets.Candidate]]] = {}
    units_of: dict[tuple[str, str, str], dict[str, Any]] = {}
    for at, side in enumerate(("left", "right")):
        for row in rows[side]:
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
    engine.give("members", _members(taken, units_of, keep=not rule.suggest))
    _doubt(engine, rule, doubtful, units_of)
    if rule.suggest:
        _doubt(engine, rule, taken, units_of)


def _asked(side: str, rule: Rule, first: str) -> Any:
    """The units of a side that a search looks at, with what is told of them."""
    left = side == "left"
    asked = units.asked(units.table(f"{side}_units"), rule, first, left=left)
    return sums.of_side(asked, side, rule)


def _members(
    found: dict[str, list[subsets.Found]],
    units_of: dict[tuple[str, str, str], dict[str, Any]],
    *,
    keep: bool,
) -> pa.Table:
    """The members of sums as a table: each sum is a group of its own."""
    listed = []
    for value, each in found.items() if keep else ():
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
    found: dict[str, list[subsets.Found]],
    units_of: dict[tuple[str, str, str], dict[str, Any]],
) -> None:
    """Suggest the sums between which a person decides, the first few of each value."""
    listed = []
    for value, each in found.items():
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
        engine.give("unsure", pa.table(columns, schema=schema))
        _add(engine, "doubts", pt.DOUBT, "select * from unsure")
