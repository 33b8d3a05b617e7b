#!/usr/bin/env python3
"""The sources of a workspace as beangulp importers.

    FINOPS_BOOKS=books python importers/import.py identify ~/Downloads
    FINOPS_BOOKS=books python importers/import.py extract ~/Downloads
    FINOPS_BOOKS=books python importers/import.py archive -o books/archive ~/Downloads

Without FINOPS_BOOKS: the shipped formats and the samples beside them. Their golden files, by
beangulp's own commands:

    python importers/import.py test importers           compare; shows what differs
    python importers/import.py generate -f importers    write them again

For Fava's import page name this file as ``import-config``; CONFIG is the list of importers.
"""

from __future__ import annotations

import atexit
import os
import sys
import tempfile
from pathlib import Path

import beangulp
from beangulp import testing

from finops_ledger.books.importer import AnySample, lift_size_limits, of_samples, of_workspace

_BOOKS = os.environ.get("FINOPS_BOOKS")
if _BOOKS:
    CONFIG = of_workspace(Path(_BOOKS))
else:
    _SCRATCH = tempfile.TemporaryDirectory(prefix="finops-samples-")
    atexit.register(_SCRATCH.cleanup)
    CONFIG = of_samples(Path(_SCRATCH.name))
lift_size_limits()

if __name__ == "__main__":
    if sys.argv[1:2] == ["golden"]:  # the same two commands under one name, for the samples here
        here = str(Path(__file__).parent)
        sys.argv[1:] = ["generate", "-f", here] if "--refresh" in sys.argv else ["test", here]
    if sys.argv[1:2] and sys.argv[1] in ("test", "generate"):
        if _BOOKS:
            sys.exit("golden files are those of the shipped samples: unset FINOPS_BOOKS")
        testing.main(AnySample(CONFIG))
    beangulp.Ingest(CONFIG)()
