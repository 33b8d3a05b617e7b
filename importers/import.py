#!/usr/bin/env python3
"""The sources of a workspace as beangulp importers.

    FINOPS_BOOKS=books python importers/import.py identify ~/Downloads
    FINOPS_BOOKS=books python importers/import.py extract ~/Downloads
    FINOPS_BOOKS=books python importers/import.py archive -o books/archive ~/Downloads

Without FINOPS_BOOKS: the shipped formats and the samples beside them. Their golden files:

    python importers/import.py golden              compare; says what differs
    python importers/import.py golden --refresh    write them again

For Fava's import page name this file as ``import-config``; CONFIG is the list of importers.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path

import beangulp
from beangulp import testing

from finops_ledger.books.importer import of_samples, of_workspace
from finops_ledger.books.samples import samples_of

_BOOKS = os.environ.get("FINOPS_BOOKS")
_SCRATCH = None if _BOOKS else tempfile.TemporaryDirectory(prefix="finops-samples-")
CONFIG = of_workspace(Path(_BOOKS)) if _BOOKS else of_samples(Path(_SCRATCH.name))


def golden(*, refresh: bool) -> int:
    """Compare each sample's transactions with its golden file, or write the golden files."""
    different = 0
    for importer in CONFIG:
        for sample in samples_of(importer.source.format):
            told = io.StringIO()
            testing.write_expected(told, *testing.run_importer(importer, str(sample)))
            path = sample.with_name(f"{sample.name}.beancount")
            same = path.exists() and path.read_text("utf-8") == told.getvalue()
            if refresh and not same:
                path.write_text(told.getvalue(), encoding="utf-8")
            different += not same
            state = "as it was" if same else "written" if refresh else "differs"
            print(f"{sample.parent.name}/{sample.name}: {state}")
    return 0 if refresh or not different else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["golden"]:
        if _BOOKS:
            sys.exit("golden files are those of the shipped samples: unset FINOPS_BOOKS")
        sys.exit(golden(refresh="--refresh" in sys.argv[2:]))
    beangulp.Ingest(CONFIG)()
