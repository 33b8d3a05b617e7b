"""``python -m tests.docs [PAGE …]``: write into the pages what their commands really show.

Text that agrees already, wildcards included, stays as it is. Look at the difference before you keep
it: a page that changed says that something a reader relies on has changed.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from tests.docs import pages as p
from tests.docs import references

#: What differs from run to run: the key of new books is drawn, and digests follow from it.
_VARIES = re.compile(r"(?<=derived from )[0-9a-f]{32}|(?<=\"finops-head\" \")[0-9a-f]{64}")


def main() -> None:
    wanted = [Path(a).resolve() for a in sys.argv[1:]] or p.pages()
    with tempfile.TemporaryDirectory() as place:
        for number, path in enumerate(wanted):
            page = references.written(path.read_text("utf-8"))
            path.write_text(page, encoding="utf-8")
            if not p.runs(page):
                continue
            folder = Path(place) / str(number) / "page"
            folder.mkdir(parents=True)
            changes = []
            for done, made in p.play(path, folder):
                if isinstance(done, p.Block):
                    print(f"{path}:{done.line}: {made}")
                elif not p.agrees(done.shown, made):
                    text = _VARIES.sub("…", p.tidy(made))
                    changes.append((done.start, done.start + len(done.shown), text))
            for start, end, text in reversed(changes):
                page = page[:start] + text + page[end:]
            path.write_text(page, encoding="utf-8")
            print(f"{path.name}: {len(changes)} outputs written")


main()
