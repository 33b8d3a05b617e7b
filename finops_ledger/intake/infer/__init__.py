"""A format proposed for a file: what its cells prove, and ``?`` where they prove nothing.

:mod:`.look` finds lines, header and records; :mod:`.values` what the cells of a column can be;
:mod:`.words` what names of columns mean; :mod:`.money` what the arithmetic of the columns proves;
:mod:`.choose` puts them together; :mod:`.write` writes the TOML with its evidence.
"""

from finops_ledger.intake.infer.choose import propose

__all__ = ["propose"]
