"""Benchmarks, side by side with plain tools; run by ``make bench``."""
