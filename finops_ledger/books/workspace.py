"""One workspace, opened: its paths, configuration, registry, manifest and engine, and its lock."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from filelock import FileLock, Timeout

from finops_ledger.books import config as cfg
from finops_ledger.books import own_legs
from finops_ledger.books.config_engine import EngineLimits
from finops_ledger.books.expected import Expected, Touches
from finops_ledger.core import calendars
from finops_ledger.core.calendars import Calendar
from finops_ledger.core.errors import UsageError
from finops_ledger.intake.formats import find_format, load_format
from finops_ledger.intake.spec import Format
from finops_ledger.posting.chain import Chain
from finops_ledger.recon.legs import Legs
from finops_ledger.sop import registry as sops
from finops_ledger.subledger.engine import Engine
from finops_ledger.subledger.engine_duckdb import DuckEngine
from finops_ledger.subledger.manifest import Manifest, State

#: How the folders are called into which engines spill; the process and a number follow.
SPILL = "spill-"
_ENGINES = itertools.count(1)


class Locked(UsageError):
    """Another command is writing to the books."""


@dataclass
class Workspace:
    """What every command needs. Read once; :meth:`reload` after a rule has changed."""

    root: Path
    config: cfg.Config
    registry: sops.Registry
    manifest: Manifest
    state: State
    #: The legs of the package, and those that the company declares itself.
    legs: Legs = field(default_factory=Legs)
    #: Formats that stand in for those that the program ships (a replay under the formats of the time).
    shipped: Path | None = None
    #: Running balances that have been walked, by batch: of those that share no row with another.
    chains: dict[str, Chain | None] = field(default_factory=dict, repr=False)
    #: Balances with which files end, by batch: of those that state no closing.
    ends: dict[str, Decimal | None] = field(default_factory=dict, repr=False)
    #: The engine that stands in for the one of finops.toml (the same books on another engine).
    instead: EngineLimits | None = None
    _engine: Engine | None = field(default=None, repr=False)
    _local: DuckEngine | None = field(default=None, repr=False)
    _expected: tuple[int, int, Expected] | None = field(default=None, repr=False)
    _calendars: dict[str, Calendar] = field(default_factory=dict, repr=False)

    @classmethod
    def open(
        cls, root: Path, shipped: Path | None = None, instead: EngineLimits | None = None
    ) -> Workspace:
        """Open a workspace; UsageError when there is none, or a rule does not read."""
        _is_there(root)
        root = root.resolve()
        config = cfg.load(root)
        registry = sops.load(
            root, config.company.zone, config.company.start, config.company.currency
        )
        _statements_agree(config, registry)
        _calendars_known(root, config, registry)
        manifest = Manifest(root, Touches(registry))
        legs = own_legs.collect(config, registry)
        return cls(
            root, config, registry, manifest, manifest.read(), legs, shipped, instead=instead
        )

    def reload(self) -> None:
        """Read configuration, SOPs and manifest again."""
        fresh = Workspace.open(self.root)
        self.config, self.registry, self.legs = fresh.config, fresh.registry, fresh.legs
        self.manifest, self.state = fresh.manifest, fresh.state
        self._expected = None
        self._calendars = {}

    @property
    def limits(self) -> EngineLimits:
        """Which engine, and how much it may use."""
        return self.instead or self.config.engine

    @property
    def engine(self) -> Engine:
        """The engine of a day's rows, as finops.toml names it; started at first use."""
        if self._engine is None:
            if self.limits.name == "spark":
                # Only where it is named: it is heavy, and an extra.
                from finops_ledger.subledger.engine_spark import SparkEngine

                self._engine = SparkEngine(self.local, self.limits.session(), self.root)
            else:
                self._engine = self.local
        return self._engine

    @property
    def local(self) -> DuckEngine:
        """DuckDB in this process, whatever engine is named: for what is about one file, or a few items."""
        if self._local is None:
            limits = self.limits
            # DuckDB's temporary files bear the same names in every process: each has its own folder.
            spill = self.root / "subledger" / f"{SPILL}{os.getpid()}-{next(_ENGINES)}"
            self._local = DuckEngine(memory=limits.memory, threads=limits.threads, spill=spill)
        return self._local

    def use(self, local: DuckEngine) -> None:
        """Take this DuckDB in place of one by finops.toml: a task has limits of its own."""
        self._local = local

    def close(self) -> None:
        """Stop the engines."""
        for one in (self._engine, self._local):
            if one is not None:
                one.close()
        self._engine = self._local = None

    @property
    def expected(self) -> Expected:
        """Which files are expected and which are in; worked out again when a file has come or gone."""
        state, changes = self.state, self.state.changes
        if self._expected is None or self._expected[:2] != (id(state), changes):
            self._expected = (
                id(state),
                changes,
                Expected(self.config, self.registry, state, self.legs),
            )
        return self._expected[2]

    @property
    def inbox(self) -> Path:
        """Where files are dropped."""
        return self.root / "inbox"

    def format_path(self, name: str) -> Path:
        """Return the file of a format: the company's own, else the shipped one."""
        own = self.root / "formats" / f"{name}.toml"
        if self.shipped is not None and not own.exists():
            instead = self.shipped / f"{name}.toml"
            if instead.exists():
                return instead
        return find_format(name, self.root / "formats")

    def format(self, name: str) -> Format:
        """Return a format, checked."""
        return load_format(self.format_path(name))

    def calendar(self, name: str = "") -> Calendar:
        """Return a calendar by name; without one, the company's. UsageError when it is unknown or does not read."""
        wanted = name or self.config.company.calendar
        if wanted not in self._calendars:
            instead = self.shipped / calendars.FOLDER if self.shipped is not None else None
            own = self.root / calendars.FOLDER
            self._calendars[wanted] = calendars.load(wanted, own, instead)
        return self._calendars[wanted]

    def calendar_file(self, path: Path) -> Path:
        """Return where a shipped calendar is read: that of the time, in a replay."""
        instead = self.shipped / calendars.FOLDER / path.name if self.shipped is not None else path
        return instead if instead.exists() else path

    def decision_files(self) -> list[Path]:
        """Return the decision files, oldest first."""
        return sorted((self.root / "decisions").glob("*/*.beancount"))


def _is_there(root: Path) -> None:
    if not (root / cfg.NAME).exists():
        raise UsageError(
            f"{root} is no workspace: it has no {cfg.NAME}; make one with `finops init {root}`"
        )


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """Hold the lock of a workspace, which is not read for it: one writer at a time.

    Raises UsageError where there is no workspace or it cannot be written to, Locked while another command writes.
    """
    _is_there(root)
    lock = FileLock(root / ".finops.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise Locked(f"{root}: another command is writing; wait for it to end") from error
    except OSError as error:
        raise UsageError(f"{root} cannot be written to: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def _statements_agree(config: cfg.Config, registry: sops.Registry) -> None:
    """A source of role deposit and its supplier's SOP say the same; UsageError names what to write.

    The source says where a deposit statement comes from, the SOP from which day on it moves the deposit.
    """
    sources = {s.counterparty: s.name for s in config.sources if s.role == "deposit"}
    for who, name in sources.items():
        if who is None:
            raise UsageError(
                f'{cfg.NAME}: source {name!r} is a deposit statement: write counterparty = "…"'
            )
        if registry.of(who).stated_from is None:
            raise UsageError(
                f"{cfg.NAME}: source {name!r} is a deposit statement of {who}, but by sops/{who}.toml its "
                'transaction file moves the deposit; write statement = "deposit" under [versions.supply], '
                "in a version that is effective from the first day of the statements"
            )
    for sop in registry.named("supplier"):
        if sop.stated_from is not None and sop.counterparty not in sources:
            raise UsageError(
                f'sops/{sop.counterparty}.toml says statement = "deposit", but {cfg.NAME} has no source of '
                f'role = "deposit" with counterparty = "{sop.counterparty}"; add one under [[sources]]'
            )


def _calendars_known(root: Path, config: cfg.Config, registry: sops.Registry) -> None:
    """Every calendar that finops.toml or a schedule names can be read; UsageError says which one cannot."""
    folder = root / calendars.FOLDER
    if config.company.calendar != calendars.DEFAULT or (folder / "ID.toml").exists():
        calendars.load(config.company.calendar, folder)
    for sop in registry.sops.values():
        for version in sop.versions:
            schedule = version.settlement.schedule if version.settlement is not None else None
            for name in sorted((schedule.calendars if schedule is not None else set()) - {""}):
                try:
                    calendars.load(name, folder)
                except UsageError as error:
                    raise UsageError(
                        f"sops/{sop.counterparty}.toml: version {version.change_id}: {error}"
                    ) from error
