"""Workbooks (xlsx, xls, ods): what a file really is, and its sheet as text cells.

Calamine reads the sheets. It runs in a process of its own (:mod:`.child`) under a bound of memory and
time, since a hostile workbook of a few kilobytes can claim a sheet of a trillion cells. What it does
not tell (cells in error, formulas whose value was never stored, the date system) is looked up in the
file itself: :mod:`.xlsx`, :mod:`.biff`, :mod:`.ods`.
"""
