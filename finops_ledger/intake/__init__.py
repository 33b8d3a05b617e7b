"""Intake: from the bytes of a source's file to typed rows in one Parquet file.

A *format* (TOML, :mod:`.formats`) says how to read a file; :mod:`.recognise` says whether a file is
in it; :mod:`.read` reads it. Nothing here knows an SOP, a batch or the books: what a file and its
format say is all that a stored row holds (ruling 8).
"""
