"""One engine for all; each test has days of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from finops_ledger.recon.rules import Rule
from finops_ledger.subledger.engine import Engine
from finops_ledger.subledger.engine_duckdb import DuckEngine
from tests.passes.days import Partner, Row, Sale


class Made(Protocol):
    """Makes a partner's days under passes."""

    def __call__(
        self, *rules: Rule, sales: list[Sale], rows: list[Row], **more: Any
    ) -> Partner: ...


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    one = DuckEngine(memory="1GB", threads=1)
    yield one
    one.close()


@pytest.fixture
def partner(engine: Engine, tmp_path: Path) -> Made:
    def make(*rules: Rule, sales: list[Sale], rows: list[Row], **more: Any) -> Partner:
        return Partner(engine, tmp_path, rules, sales, rows, **more)

    return make
