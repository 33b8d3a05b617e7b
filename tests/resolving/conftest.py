"""What is resolved is checked again by the second program as well."""

from tests.worked.conftest import audited

__all__ = ["audited"]
