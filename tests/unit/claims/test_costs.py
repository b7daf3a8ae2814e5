"""Claims about time and memory, from benchmark files."""

import json
import math
from dataclasses import replace

import pytest

from unit.claims.small_records import claim_of, grid_of, judged, measured, write_benchmarks


def test_cost_counts_the_statistics_and_takes_the_largest_memory(tmp_path):
    grid = grid_of()
    write_benchmarks(tmp_path, grid)
    cost = measured("cost_ratio", resource="seconds")
    row = judged(tmp_path, grid, claim_of(tmp_path, measurement=cost, threshold=1.05, scope={}))
    assert row["estimate"] == pytest.approx((16 + 50) / (10 + 50))
    assert row["verdict"] == "points against"
    memory = measured("cost_ratio", resource="memory")
    claim = claim_of(tmp_path, measurement=memory, threshold=1.1, scope={})
    row = judged(tmp_path, grid, claim)
    assert (row["estimate"], row["verdict"]) == (pytest.approx(1), "points for")


def test_cost_compares_the_mask_alone_by_cpu_time_where_every_benchmark_has_it(tmp_path):
    grid = grid_of()
    write_benchmarks(tmp_path, grid)
    cost = measured("cost_ratio", resource="seconds")
    claim = claim_of(tmp_path, measurement=cost, threshold=1.5, scope={})
    assert judged(tmp_path, grid, claim)["basis"] == (
        "4 pairs of runs; the mask alone, by the clock: 1.600"
    )
    for path in (tmp_path / "benchmarks/prune_model").rglob("*.jsonl"):
        row = json.loads(path.read_text())
        row["cpu_time"] = 4.4 if path.parent.name == "new" else 4.0
        path.write_text(json.dumps(row) + "\n")
    row = judged(tmp_path, grid, claim)
    assert row["basis"] == "4 pairs of runs; the mask alone, by CPU time: 1.100"
    assert row["estimate"] == pytest.approx((16 + 50) / (10 + 50))  # the whole, by the clock


def test_costs_that_do_not_differ_between_pairs_have_no_interval(tmp_path):
    grid = grid_of()
    write_benchmarks(tmp_path, grid)
    cost = measured("cost_ratio", resource="memory")
    row = judged(tmp_path, grid, claim_of(tmp_path, measurement=cost, threshold=1.1, scope={}))
    assert math.isnan(row["ci_low"])
    assert math.isnan(row["ci_high"])
    assert row["reason"] == "no interval: every pair of runs gives the same ratio"


def test_costs_on_either_side_of_the_threshold_are_said_and_decide_nothing(tmp_path):
    grid = grid_of()
    write_benchmarks(tmp_path, grid)
    for path in (tmp_path / "benchmarks/prune_model").rglob("new/0.5.jsonl"):
        path.write_text(json.dumps({"s": 40.0, "max_rss": 50.0}) + "\n")
    cost = measured("cost_ratio", resource="seconds")
    row = judged(tmp_path, grid, claim_of(tmp_path, measurement=cost, threshold=1.2, scope={}))
    assert row["ci_low"] < 1.2 < row["ci_high"]
    assert (row["verdict"], row["reason"]) == ("undecided", "sparsities for: 0.3; against: 0.5")


@pytest.mark.parametrize("rule", ["prune_sequentially", "prune_with_update"])
@pytest.mark.parametrize(
    ("statistics", "seconds", "memory"), [(["en", "fr"], 16 + 50, 100), ([], 16, 50)]
)
def test_cost_is_that_of_the_rule_that_prunes_and_of_the_statistics_that_it_reads(
    tmp_path, rule, statistics, seconds, memory
):
    grid = grid_of()
    settings = grid.methods["new"] | {"rule": rule, "statistics": statistics}
    grid = replace(grid, methods=grid.methods | {"new": settings})
    write_benchmarks(tmp_path, grid, rules={"new": rule})
    for resource, mine, other in (("seconds", seconds, 10 + 50), ("memory", memory, 100)):
        cost = measured("cost_ratio", resource=resource)
        row = judged(tmp_path, grid, claim_of(tmp_path, measurement=cost, scope={}))
        assert row["estimate"] == pytest.approx(mine / other)
    (tmp_path / f"benchmarks/{rule}/m/seed1/new/0.3.jsonl").unlink()
    row = judged(tmp_path, grid, claim_of(tmp_path, measurement=cost, scope={}))
    assert row["reason"] == f"no benchmark {rule}/m/seed1/new/0.3.jsonl"


def test_two_runs_are_too_few_for_a_cost(tmp_path):
    grid = grid_of(seeds=(0,))
    write_benchmarks(tmp_path, grid)
    cost = claim_of(tmp_path, measurement=measured("cost_ratio", resource="seconds"), scope={})
    reason = judged(tmp_path, grid, cost)["reason"]
    assert reason == "2 pair(s) of runs (seeds and sparsities); three are needed"
