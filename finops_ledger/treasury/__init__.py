"""Deposits and settlements: roll-forward, forecast, schedules, ageing, and what is to be paid."""
