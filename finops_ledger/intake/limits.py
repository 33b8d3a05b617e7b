"""How much of a file is taken: beyond, it is left alone or refused, and the limit is named."""

from __future__ import annotations

from dataclasses import dataclass

GIB = 1 << 30


@dataclass(frozen=True)
class Limits:
    """Limits on what comes in, in bytes unless said otherwise."""

    max_bytes: int = 16 * GIB  #: of a file as it lies in the inbox
    max_unpacked_bytes: int = 16 * GIB  #: of all that a container holds
    max_ratio: int = 200  #: unpacked bytes for one packed byte, beyond the first 16 MiB
    max_members: int = 1000  #: files in one container
    max_columns: int = 10_000  #: columns of a table
    max_record_bytes: int = 16 << 20  #: one record, its line ends included
