"""Treatments: what is done with a counterparty's rows, effective-dated and approved."""
