"""Beancount plugins that prove the books: each a plain function over entries, usable in any ledger.

=============================== ====================================================================
``finops_ledger.plugins.deposits``  a partner's deposit equals the partner's statement, day by day
``finops_ledger.plugins.clearing``  clearing empties, and open items equal their registers
``finops_ledger.plugins.settlements`` each settlement nets to zero by its due date, asked for once
``finops_ledger.plugins.batches``   each imported batch is posted exactly once
``finops_ledger.plugins.periods``   a closed period stays as it was closed
``finops_ledger.plugins.approvals`` a decision above its limit bears two names
=============================== ====================================================================

Each takes ``(entries, options_map, config=None)``, returns the same entries and a list of
:class:`~finops_ledger.plugins.errors.ProofError`, changes nothing, and is linear in the entries.
Plugins run before ``pad`` and ``balance``, so they assert for themselves.
"""
