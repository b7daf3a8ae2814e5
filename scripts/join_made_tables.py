"""Tables of the models that have them -> joined tables, where those of other models are missing.

For a run that failed: the jobs that join tables wait for all models. What is written stands in
{results}/tables/incomplete, with the verdicts on claims to read; the pages name who is missing.
"""

import argparse
import json
from pathlib import Path

from multiprune.claims.documents import markdown
from multiprune.files.checksums import replacing_signed
from multiprune.files.tables import read_table, write_table
from multiprune.jobs.command import run
from multiprune.registry import constants
from multiprune.tables.joining import join
from multiprune.tables.pages import page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="folder results/<experiment>")
    parser.add_argument("--models", type=json.loads, required=True, help="JSON list")
    parser.add_argument("--tables", type=json.loads, required=True, help="JSON list")
    options = parser.parse_args()
    folder = options.results / "tables"
    missing = {model: [] for model in options.models}
    for table in options.tables:
        made = [m for m in options.models if (folder / "by_model" / m / f"{table}.csv").is_file()]
        without = [model for model in options.models if model not in made]
        if made and without:
            write(folder, table, made, without)
        for model in without:
            missing[model].append(table)
    for model, names in missing.items():
        if names:
            print(f"missing of {model}: {', '.join(names)}")
    if (folder / "incomplete").is_dir():
        print(f"the tables of other models are joined in {folder / 'incomplete'}")


def write(folder: Path, table: str, made: list[str], without: list[str]) -> None:
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


if __name__ == "__main__":
    run(main, log_environment=False)
