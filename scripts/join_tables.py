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
    parser.add_argument("--labels", required=True, help="JSON, method -> what the page calls it")
    arguments = parser.parse_args()
    labels = text_by_language("--labels", arguments.labels, "labels", "Wanda")
    try:
        models = json.loads(arguments.models)
    except ValueError:
        models = None
    if not isinstance(models, list) or not models:
        raise InputError(f"--models: found {arguments.models!r}; give a JSON list of model names")
    with noting_inputs() as inputs:
        table = join(arguments.folder, models, arguments.table)
    # Seeds stand in the origins of the inputs.
    write_table(arguments.output, table, origin(__file__, inputs, []))
    text = page(table, arguments.output, title=arguments.title, labels=labels)
    with replacing_signed(arguments.page) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run(main)
