"""Reconciliation: legs as data, one engine for all of them, every rupiah with a home."""
