"""Passes agree with a slow, obvious reference, in whatever order rows come."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finops_ledger.recon.passes import subsets
from finops_ledger.recon.passes.subsets import BoundHit, Candidate
from finops_ledger.recon.rules import Rule
from finops_ledger.subledger.engine import Engine
from tests.passes.days import DAY, Partner, Row, Sale, rule

SLOW = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
WHO = st.sampled_from(["c1", "c2"])
AMOUNT = st.sampled_from([100, 103, 200])
MINUTE = st.integers(600, 616)
SALES = st.lists(st.tuples(WHO, AMOUNT, MINUTE), max_size=6)
ROWS = st.lists(st.tuples(WHO, AMOUNT, MINUTE), max_size=6)
ONE = [
    rule("equal", "customer", exact=True),
    rule("near", "customer", limit=5, account="Expenses:Differences", minutes=5),
    rule("when", "customer", minutes=5),
    rule("any", "customer"),
]


def lay_out(
    engine: Engine, folder: str, own: Rule, sold: list[tuple[str, int, int]],
    got: list[tuple[str, int, int]], order: random.Random | None = None,
) -> Partner:  # fmt: skip
    sales = [Sale(f"T{n}", a, at=m, customer=c) for n, (c, a, m) in enumerate(sold)]
    rows = [Row(f"A{n}", f"X{n}", a, at=m, customer=c) for n, (c, a, m) in enumerate(got)]
    if order is not None:
        order.shuffle(sales)
        order.shuffle(rows)
    return Partner(engine, Path(folder), (own,), sales, rows).run()


def pairs(made: Partner) -> set[tuple[str, str]]:
    """Which order met which row."""
    return {
        (i["key"], i["right_key"]) for i in made.said[DAY] if i["left_batch"] and i["right_batch"]
    }


def expected(
    own: Rule, sold: list[tuple[str, int, int]], got: list[tuple[str, int, int]]
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Pairs taken and pairs in doubt, by looking at every pair."""
    fits: dict[tuple[int, int], tuple[int, int]] = {}
    for n, (c, a, m) in enumerate(sold):
        for k, (d, b, o) in enumerate(got):
            off, apart = abs(a - b), abs(m - o)
            near = off == 0 if own.exact else own.limit is None or off <= own.limit
            if c == d and near and (own.minutes is None or apart <= own.minutes):
                fits[n, k] = (off if own.by_amount else 0, apart if own.minutes is not None else 0)
    best_l: dict[int, list[tuple[int, int]]] = defaultdict(list)
    best_r: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for pair, score in fits.items():
        if score == min(s for p, s in fits.items() if p[0] == pair[0]):
            best_l[pair[0]].append(pair)
        if score == min(s for p, s in fits.items() if p[1] == pair[1]):
            best_r[pair[1]].append(pair)
    taken = {p for p in fits if best_l[p[0]] == [p] and best_r[p[1]] == [p]}
    done_l, done_r = {p[0] for p in taken}, {p[1] for p in taken}
    doubt = {
        p
        for p in fits
        if (p in best_l[p[0]] or p in best_r[p[1]]) and p[0] not in done_l and p[1] not in done_r
    }
    return {(f"T{n}", f"A{k}") for n, k in taken}, {(f"T{n}", f"X{k}") for n, k in doubt}


@SLOW
@given(own=st.sampled_from(ONE), sold=SALES, got=ROWS, seed=st.integers(0, 99))
def test_one_to_one(
    engine: Engine,
    own: Rule,
    sold: list[tuple[str, int, int]],
    got: list[tuple[str, int, int]],
    seed: int,
) -> None:
    with TemporaryDirectory() as folder:
        made = lay_out(engine, folder, own, sold, got, random.Random(seed))
        taken, doubt = expected(own, sold, got)
        assert pairs(made) == taken
        ids = {i["id"]: i["key"] for i in made.said[DAY]}
        told = {
            (i["key"], ids[part[:18]])
            for i in made.said[DAY]
            if i["left_batch"] and i.get("suggestion")
            for part in i["suggestion"].split("; ")
            if part.startswith("x-")
        }
        few = {p for p in doubt if sum(q[0] == p[0] for q in doubt) <= 5}
        assert few <= told <= doubt


@SLOW
@given(
    sold=SALES,
    got=ROWS,
    kind=st.sampled_from(["one-to-many", "many-to-one", "groups"]),
    seed=st.integers(0, 99),
)
def test_sums(
    engine: Engine,
    sold: list[tuple[str, int, int]],
    got: list[tuple[str, int, int]],
    kind: str,
    seed: int,
) -> None:
    with TemporaryDirectory() as folder:
        made = lay_out(
            engine,
            folder,
            rule("sum", "customer", cardinality=kind),
            sold,
            got,
            random.Random(seed),
        )
        for who in ("c1", "c2"):
            ours = [n for n, s in enumerate(sold) if s[0] == who]
            theirs = [n for n, r in enumerate(got) if r[0] == who]
            whole = sum(sold[n][1] for n in ours) == sum(got[n][1] for n in theirs)
            fits = {"one-to-many": len(ours) == 1, "many-to-one": len(theirs) == 1, "groups": True}
            met = bool(ours and theirs and whole and fits[kind])
            for n in ours:
                assert (made.item(f"T{n}")["class"] == "matched") is met
        assert sum(i["amount"] for i in made.said[DAY]) == sum(r[1] for r in got) - sum(
            s[1] for s in sold
        )


LEFT = st.lists(st.integers(1, 12), max_size=5)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(ours=LEFT, theirs=LEFT, bound=st.sampled_from([20, 100_000]), seed=st.integers(0, 99))
def test_subsets(ours: list[int], theirs: list[int], bound: int, seed: int) -> None:
    left = [Candidate(f"L{n}", -a, True) for n, a in enumerate(ours)]
    right = [Candidate(f"R{n}", a, True) for n, a in enumerate(theirs)]
    chance = random.Random(seed)
    chance.shuffle(left)
    chance.shuffle(right)
    try:
        taken, doubtful, steps = subsets.search(left, right, bound)
    except BoundHit:
        assert bound == 20
        return
    assert steps <= bound
    every = {
        (frozenset(c.name for c in a), frozenset(c.name for c in b))
        for n in range(1, 6) for k in range(1, 6) if 1 in (n, k)
        for a in combinations(left, n) for b in combinations(right, k)
        if sum(c.amount for c in (*a, *b)) == 0
    }  # fmt: skip
    found = {(f.left, f.right) for f in (*taken, *doubtful)}
    assert found == every
    for one in taken:
        others = every - {(one.left, one.right)}
        assert not any((a & one.left) or (b & one.right) for a, b in others)


def test_a_day_on_which_one_file_uses_another_form_stays_linear(
    engine: Engine, tmp_path: Path
) -> None:
    """Every row is left over, and each finds its order by what the pass makes of both references."""
    size = 3_000
    own = (
        rule("tidy", "ref", forms={"ref": ("upper",)}),
        rule("guess", "product", exact=True, minutes=5, suggest=True),
    )
    sales = [Sale(f"T{n}", at=n % 1200) for n in range(size)] + [Sale(f"S{n}") for n in range(60)]
    rows = [Row(f"A{n}", f"t{n}", at=n % 1200) for n in range(size)]
    rows += [Row(f"B{n}", f"Y{n}") for n in range(60)]
    made = Partner(engine, tmp_path, own, sales, rows).run()
    assert made.results[DAY].matched == size
    assert made.results[DAY].bounds == [
        "pass guess: 3600 pairs of 1 value(s) were not compared one by one; the bound is 1000 pairs a value"
    ]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_changes_nothing(engine: Engine, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    own = rule("near", "customer", limit=5, account="Expenses:Differences", minutes=10)
    sold = [
        (chance.choice("ab"), chance.choice([100, 102, 105]), chance.randint(600, 640))
        for _ in range(40)
    ]
    got = [
        (chance.choice("ab"), chance.choice([100, 102, 105]), chance.randint(600, 640))
        for _ in range(40)
    ]

    def told(order: random.Random | None) -> list[tuple[object, ...]]:
        with TemporaryDirectory() as folder:
            made = lay_out(engine, folder, own, sold, got, order)
        shown = ("key", "occurrence", "class", "amount", "right_key", "rule", "operands", "id")
        return [tuple(i[n] for n in shown) for i in made.said[DAY]]

    assert told(random.Random(seed)) == told(None)
