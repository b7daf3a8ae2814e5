"""Tables of one kind, a file per model -> one table, and a page of the report that shows it."""

import argparse
import json
from pathlib import Path

from multiprune.errors import InputError
from multiprune.files.checksums import replacing_signed
from multiprune.files.noted_inputs import noting_inputs
from multiprune.files.tables import write_table
from multiprune.jobs.command import run, text_by_language
from multiprune.jobs.provenance import origin
from multiprune.registry import names
from multiprune.tables.joining import join
from multiprune.tables.pages import page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="holds {model}/{table}.csv")
    parser.add_argument("--models", required=True, help="JSON list, in the order to join")
    parser.add_argument("--table", required=True, choices=names("tables", having="COLUMNS"))
    parser.add_argument("--output", type=Path, required=True, help="CSV")
    parser.add_argument("--page", type=Path, required=True, help="HTML")
    parser.add_argument("--title", required=True, help="of the page")
    parser.add_argument("--columns", required=True, help="JSON list, those that the page shows")
    parser.add_argument("--labels", required=True, help="JSON, method -> what the page calls it")
    arguments = parser.parse_args()
    labels = text_by_language("--labels", arguments.labels, "labels", "Wanda")
    models, columns = (listed(arguments, name) for name in ("models", "columns"))
    with noting_inputs() as inputs:
        table = join(arguments.folder, models, arguments.table)
    # Seeds stand in the origins of the inputs.
    write_table(arguments.output, table, origin(__file__, inputs, []))
    text = page(table[columns], arguments.output, title=arguments.title, labels=labels)
    with replacing_signed(arguments.page) as temporary:
        temporary.write_text(text, encoding="utf-8")


def listed(arguments: argparse.Namespace, name: str) -> list[str]:
    """A list that an option gives as JSON; InputError where it is none, or empty."""
    text = getattr(arguments, name)
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or not found:
        raise InputError(f"--{name}: found {text!r}; give a JSON list of names")
    return found


if __name__ == "__main__":
    run(main)
