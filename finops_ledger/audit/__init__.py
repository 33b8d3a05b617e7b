"""A second opinion on reconciliation: a small program that checks a day's result against its rows.

It shares no code with the matching: it reads the manifest and the Parquet files, and says again, in plain SQL, what
must hold of a result whoever made it. It imports neither ``recon`` nor ``posting``.
"""

from finops_ledger.audit.checks import CHECKS
from finops_ledger.audit.run import audit
from finops_ledger.core.findings import Finding

__all__ = ["CHECKS", "Finding", "audit"]
