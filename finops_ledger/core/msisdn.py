"""The forms in which people write a mobile number of Indonesia, and the one in which two files are compared.

``0812…``, ``62812…``, ``+62 812-…`` and ``0062 812…`` are one number: ``62812…``. What is none (a meter's number, a
voucher) stays as it is written, and no id loses its leading zeros. ``812…`` alone says nothing of what was cut off.

The patterns are of the kind that every engine reads (no look-around).
"""

from __future__ import annotations

from typing import Final

#: What people put between the digits.
BETWEEN: Final = r"[\s().-]+"
#: A mobile number, without what stands between its digits.
MOBILE: Final = r"^(\+62|0062|62|0)8[0-9]{7,11}$"
#: What stands before the number itself; the country's code takes its place.
BEFORE: Final = r"^(\+62|0062|62|0)"
COUNTRY: Final = "62"
