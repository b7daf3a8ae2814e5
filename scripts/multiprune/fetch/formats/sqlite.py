"""A database of SQLite: the rows of a query."""

import sqlite3
from contextlib import closing

from multiprune.files.writing import scratch_folder


def units(data: bytes, entry: dict, code: str) -> list[tuple[str, str, str]]:
    """Document, unit and text as `entry["query"]` gives them, `:text` being the language's code."""
    with scratch_folder() as folder:
        copy = folder / "copy.db"
        copy.write_bytes(data)
        try:
            with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True)) as database:
                # Views and triggers of the file may not call what could do harm.
                database.execute("pragma trusted_schema = off")
                rows = database.execute(entry["query"], {"text": code}).fetchall()
        except sqlite3.Error as error:
            raise ValueError(str(error)) from None
    if rows and len(rows[0]) != 3:
        raise ValueError(f"the query gives {len(rows[0])} columns, document, unit and text needed")
    return [(str(document), str(unit), str(text or "")) for document, unit, text in rows]
