"""The words everything else is made of: money, days, ids, the row schema, closed lists, errors.

Nothing in this room reads a file, a clock or a database.
"""
