"""The joined table of claims -> Markdown, LaTeX and a fragment of the report's first page."""

import argparse

from multiprune.claims import documents as claim_documents
from multiprune.files.checksums import replacing_signed
from multiprune.files.noted_inputs import noting_inputs
from multiprune.files.tables import read_table
from multiprune.jobs.command import run
from multiprune.jobs.provenance import origin
from multiprune.registry import constants


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, help="CSV of all models")
    parser.add_argument("--markdown", required=True)
    parser.add_argument("--latex", required=True)
    parser.add_argument("--restructured", required=True)
    arguments = parser.parse_args()
    with noting_inputs() as inputs:
        claims = read_table(arguments.table, constants("tables", "claims")["COLUMNS"])
    for target, document in (
        (arguments.markdown, claim_documents.markdown),
        (arguments.latex, claim_documents.latex),
        (arguments.restructured, claim_documents.restructured),
    ):
        # Seeds stand in the origins of the inputs.
        with replacing_signed(target, origin(__file__, inputs, [])) as temporary:
            temporary.write_text(document(claims), encoding="utf-8")


if __name__ == "__main__":
    run(main)
