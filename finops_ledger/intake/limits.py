"""How much of a file is read before it is called too much; ``[intake]`` in finops.toml sets it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What hostile or broken files may cost at most. Sizes in bytes."""

    max_bytes: int = 20 << 30  #: of a file as it comes
    max_unpacked_bytes: int = 40 << 30  #: of what a container holds
    max_ratio: int = 200  #: unpacked to packed
    max_members: int = 1_000  #: files in one container
    max_columns: int = 2_000
    max_record_bytes: int = 4 << 20  #: of one line or record
    max_workbook_bytes: int = 1 << 30  #: of a workbook, unpacked: it is held in memory
    max_document_bytes: int = 256 << 20  #: of one JSON document: it is held in memory, several fold
    max_depth: int = 200  #: of elements within elements
