"""Tables of one kind, a file per model -> one table."""

import argparse
import json

from multiprune.command import run
from multiprune.errors import InputError
from multiprune.table_files import COLUMNS, join_tables, write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True, help="holds {model}/{table}.csv")
    parser.add_argument("--models", required=True, help="JSON list, in the order to join")
    parser.add_argument("--table", required=True, choices=sorted(COLUMNS))
    parser.add_argument("--output", required=True, help="CSV")
    arguments = parser.parse_args()
    try:
        models = json.loads(arguments.models)
    except ValueError:
        models = None
    if not isinstance(models, list) or not models:
        raise InputError(f"--models: found {arguments.models!r}; give a JSON list of model names")
    write_table(arguments.output, join_tables(arguments.folder, models, arguments.table))


if __name__ == "__main__":
    run(main)
