"""Tables of the models that have them, joined where those of other models are missing.

For a run that failed: the jobs that join tables wait for all models. What is written stands in
{results}/tables/incomplete, with the verdicts on claims to read; the pages name who is missing.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from multiprune.claims.documents import markdown
from multiprune.files.checksums import replacing_signed
from multiprune.files.tables import read_table, write_table
from multiprune.registry import constants
from multiprune.tables.joining import join
from multiprune.tables.pages import page


def join_made(results: Path, models: Sequence[str], tables: Sequence[str]) -> Iterator[str]:
    """Join what there is; lines that say what is missing, and where the joined tables stand."""
    folder = results / "tables"
    missing = {model: [] for model in models}
    for table in tables:
        made = [m for m in models if (folder / "by_model" / m / f"{table}.csv").is_file()]
        without = [model for model in models if model not in made]
        if made and without:
            _write(folder, table, made, without)
        for model in without:
            missing[model].append(table)
    yield from (
        f"missing of {model}: {', '.join(names)}" for model, names in missing.items() if names
    )
    if (folder / "incomplete").is_dir():
        yield f"the tables of other models are joined in {folder / 'incomplete'}"


def _write(folder: Path, table: str, made: list[str], without: list[str]) -> None:
    """One joined table as CSV and as a page that names the models without it."""
    path = folder / "incomplete" / f"{table}.csv"
    rows = join(folder / "by_model", made, table)
    write_table(path, rows)
    with replacing_signed(path.with_suffix(".html")) as temporary:
        temporary.write_text(page(rows, path, without), encoding="utf-8")
    if table == "claims":
        claims = read_table(path, constants("tables", "claims")["COLUMNS"])
        with replacing_signed(path.with_suffix(".md")) as temporary:
            temporary.write_text(markdown(claims), encoding="utf-8")
