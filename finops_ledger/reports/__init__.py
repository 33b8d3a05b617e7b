"""Figures for people: what is open, where deposits stand, what was earned. Exact tables."""
