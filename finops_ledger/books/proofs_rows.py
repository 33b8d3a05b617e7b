"""Proofs of what was committed: the manifest, the files it names, and the figures it states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from finops_ledger.books import recorded, recovery, registered
from finops_ledger.books.evidence import Evidence
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import InputRefused, IntegrityError
from finops_ledger.core.findings import Finding
from finops_ledger.core.ids import sha256_bytes, sha256_file
from finops_ledger.core.money import ZERO, plain
from finops_ledger.intake.containers import member_file
from finops_ledger.posting.store import KEEP_ROWS, LineStore
from finops_ledger.subledger import engine as en
from finops_ledger.subledger import manifest as mf
from finops_ledger.subledger.engine import content_digest

_BACKUP: Final = "restore it from a backup"
_AGAIN: Final = "run any writing finops command, which takes it in"

#: What a row of each role moves of its control amount, in the line tables.
_MOVED: Final = {
    "sale": "paid - coalesce(prev_paid, 0)",
    "supply": "d_deposit",
    "deposit": "d_deposit",
    "settlement": "d_net",
    "bank": "d_moved",
    "report": "d_moved",
}


def chain(evidence: Evidence) -> Iterator[Finding]:
    """Each line of the manifest carries the hash of the line before it."""
    try:
        _ = evidence.state
    except IntegrityError as error:
        yield Finding("chain", str(error), mf.NAME)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        message = f"a line does not say what it must ({error!r}); {_BACKUP}"
        yield Finding("chain", message, mf.NAME)


def torn(evidence: Evidence) -> Iterator[Finding]:
    """The manifest ends with a whole line."""
    whole, rest = evidence.manifest.raw_lines()
    if rest:
        yield Finding(
            "torn",
            f"{len(rest)} bytes of a line that was never finished; run any writing finops command, "
            "which recovers",
            f"{mf.NAME}:{len(whole) + 1}",
        )


def _named(evidence: Evidence) -> dict[str, str]:
    """Every Parquet file that any line names, with its digest; superseded ones are evidence too."""
    found: dict[str, str] = {}
    for line in evidence.state.lines:
        if line["kind"] in ("batch", "reconcile"):
            found.update(line["files"])
    return found


def files(evidence: Evidence) -> Iterator[Finding]:
    """Every file that a line names is there."""
    originals = [line["original"]["archive"] for line in _batch_lines(evidence)]
    for name in sorted({*_named(evidence), *originals}):
        if not (evidence.root / name).is_file():
            yield Finding("files", f"the manifest names this file, and it is gone; {_BACKUP}", name)


def archive(evidence: Evidence) -> Iterator[Finding]:
    """The archived originals are the bytes that were imported, and hold the members that were read."""
    for line in _batch_lines(evidence):
        original, member = line["original"], line["original"].get("member")
        path = evidence.root / original["archive"]
        if not path.is_file():
            continue
        if sha256_file(path) != original["sha256"]:
            yield Finding(
                "archive",
                f"not the bytes that were imported as {line['batch']} "
                f"(SHA-256 {original['sha256'][:12]}…); {_BACKUP}",
                original["archive"],
            )
        elif member is not None and _member_digest(path, member["name"]) != member["sha256"]:
            yield Finding(
                "archive",
                f"its member {member['name']} is not what was imported as {line['batch']} "
                f"(SHA-256 {member['sha256'][:12]}…); the manifest has been changed: {_BACKUP}",
                original["archive"],
            )


def _member_digest(path: Path, member: str) -> str | None:
    try:
        with member_file(path, member) as file:
            return sha256_file(file)
    except (InputRefused, KeyError):
        return None


def _batch_lines(evidence: Evidence) -> list[mf.Line]:
    """Lines of batches, withdrawn ones too: what was done is evidence, and rebuilding does it again."""
    return [line for line in evidence.state.lines if line["kind"] == "batch"]


def digest(evidence: Evidence) -> Iterator[Finding]:
    """Rows, matches and items are what they were when they were committed."""
    for name, stated in sorted(_named(evidence).items()):
        path = evidence.root / name
        if not path.is_file():
            continue
        try:
            same = content_digest(path) == stated
            why = "holds other rows than were committed"
        except (OSError, ValueError) as error:
            same, why = False, f"cannot be read ({error})"
        if not same:
            yield Finding("digest", f"{why}; {_BACKUP}, or make the books again with rebuild", name)


def rules(evidence: Evidence) -> Iterator[Finding]:
    """Every state of every rule is kept, and the rules at hand are the recorded ones."""
    kept: dict[str, str] = {}
    for line in evidence.state.lines:
        if line["kind"] == "rules":
            kept.update({recorded.kept_at(n, d): n for n, d in line["files"].items()})
    for path, name in sorted(kept.items()):
        file = evidence.root / path
        stated = path.rpartition("/")[2].partition(".")[0]
        if not file.is_file():
            yield Finding("rules", f"the copy kept of {name} is gone; {_BACKUP}", path)
        elif not sha256_bytes(file.read_bytes()).startswith(stated):
            yield Finding("rules", f"the copy kept of {name} has been changed; {_BACKUP}", path)
    yield from _rules_at_hand(evidence)


def _rules_at_hand(evidence: Evidence) -> Iterator[Finding]:
    if not evidence.state.lines:
        return
    space = Workspace.open(evidence.root)
    now = {n: sha256_bytes(p.read_bytes()) for n, p in recovery.rule_files(space).items()}
    before = evidence.state.rules
    for name in sorted({*now, *before}):
        if now.get(name) != before.get(name):
            how = "gone" if name not in now else "changed" if name in before else "new"
            yield Finding("rules", f"{how} since the last command; {_AGAIN}", name)


def decisions(evidence: Evidence) -> Iterator[Finding]:
    """What was decided stands as it was taken in; what has been added is taken in."""
    known = evidence.state.decisions
    for name, entry in sorted(known.items()):
        try:
            recorded.recorded_decisions(evidence.root, entry)
        except IntegrityError as error:
            yield Finding("decisions", str(error).partition(": ")[2], name)
            continue
        more = (evidence.root / name).stat().st_size - entry["bytes"]
        if more:
            yield Finding("decisions", f"{more} bytes have been added since; {_AGAIN}", name)
        yield from _evidence(evidence, name)
    for path in sorted((evidence.root / "decisions").glob("*/*.beancount")):
        if (name := evidence.place(path)) not in known:
            yield Finding("decisions", f"a new file of decisions; {_AGAIN}", name)


def _evidence(evidence: Evidence, name: str) -> Iterator[Finding]:
    """What a decision names by its hash is kept, and is what it was."""
    data = (evidence.root / name).read_bytes()
    kept = {sha256_file(p) for p in recorded.evidence_of(evidence.root, data)}
    for found in recorded.EVIDENCE.finditer(data):
        digest = found.group(1).decode()
        if digest not in kept:
            line = data.count(b"\n", 0, found.start()) + 1
            message = f"the evidence {digest[:16]}… in the archive is gone or changed; {_BACKUP}"
            yield Finding("decisions", message, f"{name}:{line}")


def conservation(evidence: Evidence) -> Iterator[Finding]:
    """Read = new + revised + known + excluded + refused, and Parquet holds just that."""
    for batch in evidence.state.batches.values():
        counts, control = batch.line["rows"], batch.line["control"]
        stored = counts["new"] + counts["revised"] + counts["known"]
        placed = stored + mf.sum_excluded(batch.line) + counts["refused"]
        value = sum((Decimal(control[k]) for k in ("new", "revised", "known")), ZERO)
        total = value + Decimal(control["excluded"]) + Decimal(control["refused"])
        place = f"{mf.NAME}:{batch.line['seq']}"
        if placed != counts["read"] or total != Decimal(control["read"]):
            yield Finding(
                "conservation",
                f"{batch.name}: {counts['read']} rows of {control['read']} were read, {placed} "
                f"rows of {plain(total)} have a place; the manifest has been changed: {_BACKUP}",
                place,
            )
            continue
        path = evidence.root / batch.file
        held = pq.read_metadata(path).num_rows
        found = evidence.engine.rows(
            f"select coalesce(sum(amount), 0) as total from ({en.parquet([path])})"
        )[0]["total"]
        if held != stored or found != value:
            yield Finding(
                "conservation",
                f"{batch.name}: the file holds {held} rows of {plain(Decimal(found))}, its line "
                f"in the manifest says {stored} rows of {plain(value)}; {_BACKUP}",
                batch.file,
            )


def bridge(evidence: Evidence) -> Iterator[Finding]:
    """No reconciliation left anything that is neither matched nor an open item."""
    for line in evidence.state.lines:
        if line["kind"] != "reconcile":
            continue
        left, right, rest = (Decimal(line["bridge"][k]) for k in ("left", "right", "residual"))
        if rest != ZERO or left + right != Decimal(line["moved"]):
            yield Finding(
                "bridge",
                f"{line['leg']} {line['counterparty']} {line['day']}: left {plain(left)} and right "
                f"{plain(right)} moved {line['moved']} and leave {plain(rest)}; expected no rest: "
                f"the manifest has been changed, {_BACKUP}",
                f"{mf.NAME}:{line['seq']}",
            )


def standing(evidence: Evidence) -> Iterator[Finding]:
    """What each batch must have posted follows from the rows, beside all others that are in."""
    if not evidence.state.batches:
        return
    space = evidence.aside
    store = LineStore(space.engine, space.root, space.registry, space.state)
    for role, moved in _MOVED.items():
        batches = [b for _, b in sorted(space.state.batches.items()) if b.role == role]
        for chunk in _chunks(batches):
            store.load_batches(chunk)
            names = ", ".join(en.literal(b.id) for b in chunk)
            found = space.engine.rows(
                f"select batch, count(*) as n, sum({moved}) as moved from {role}_lines "
                f"where disposition <> 'known' and batch in ({names}) group by batch"
            )
            yield from _compare_standing(evidence, chunk, {r["batch"]: r for r in found})


def _compare_standing(
    evidence: Evidence, chunk: Iterable[mf.Batch], found: dict[str, dict[str, Any]]
) -> Iterator[Finding]:
    for batch in chunk:
        row = found.get(batch.id, {"n": 0, "moved": ZERO})
        stated = evidence.state.standing[batch.id]
        if (row["n"], row["moved"]) != (stated.rows, Decimal(stated.control)):
            yield Finding(
                "standing",
                f"{batch.name}: its rows post {row['n']} rows of {plain(row['moved'])}, the "
                f"manifest says {stated.rows} rows of {stated.control}; {_BACKUP}",
                f"{mf.NAME}:{batch.line['seq']}",
            )


def _chunks(batches: list[mf.Batch]) -> Iterator[list[mf.Batch]]:
    """Cut batches so that the rows held at once stay bounded."""
    chunk: list[mf.Batch] = []
    held = 0
    for batch in batches:
        if chunk and held + batch.rows > KEEP_ROWS:
            yield chunk
            chunk, held = [], 0
        chunk.append(batch)
        held += batch.rows
    if chunk:
        yield chunk


def registers(evidence: Evidence) -> Iterator[Finding]:
    """Registers and counts of open items of each live reconciliation follow from its items."""
    if not evidence.state.reconciled:
        return
    space = evidence.aside
    opened = dict(registered.open_items(space, list(space.state.reconciled)))
    for key, found in registered.of_items(space, list(space.state.reconciled)):
        line = space.state.reconciled[key]
        made = {account: register.line() for account, register in found.items()}
        place = f"{mf.NAME}:{line['seq']}"
        told = f"{line['leg']} {line['counterparty']} {line['day']}"
        for account in sorted({*made, *line["registers"]}):
            one, other = made.get(account), line["registers"].get(account)
            if one != other:
                yield Finding(
                    "registers",
                    f"{told}: the items on {account} add up to {one}, the manifest says {other}; "
                    "restore the manifest from a backup",
                    place,
                )
        if opened[key] != line["open"]:
            yield Finding(
                "registers",
                f"{told}: open items are {opened[key]}, the manifest says {line['open']}; "
                "restore the manifest from a backup",
                place,
            )
