"""A digital-goods business, simulated: the files that it receives, and the truth beside them.

It knows nothing of how files are read or reconciled; what it calls an outcome it works out from its
own two sides. See ``Faults`` for what may go wrong.
"""

from finops_ledger.simulator.run import Summary, simulate, simulate_pair
from finops_ledger.simulator.world import Faults

__all__ = ["Faults", "Summary", "simulate", "simulate_pair"]
