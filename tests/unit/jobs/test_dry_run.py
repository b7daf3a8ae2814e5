import pytest

from multiprune.errors import InputError
from multiprune.jobs.dry_run import counted, reasons

TABLE = """Job stats:
job             count
------------  -------
draw_figure        10
all                 1
total              11
"""


def test_jobs_are_counted_once_though_the_table_is_printed_twice():
    assert counted(f"{TABLE}\n{TABLE}Reasons:\n    all") == {"draw_figure": 10}
    assert counted("Building DAG of jobs...\nNothing to be done (all is there).\n") == {}


def test_a_dry_run_that_prints_neither_is_a_failure():
    with pytest.raises(InputError, match=r"^methods: is empty$"):
        counted("Building DAG\nerror in the config: methods: is empty\n")


def test_the_rules_are_listed_by_reason():
    text = f"""{TABLE}
Reasons:
    (check individual jobs above for details)
    output files have to be generated:
        draw_figure, join_tables
    params have changed since last execution:
        prune_model
This was a dry-run (flag -n). The order of jobs does not reflect the order of execution.
"""
    assert reasons(text) == {
        "output files have to be generated": ["draw_figure", "join_tables"],
        "params have changed since last execution": ["prune_model"],
    }
    assert reasons(TABLE) == {}
