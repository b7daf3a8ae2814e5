"""What a design would give: against numbers by hand, and against experiments that are simulated."""

import math
import shutil

import numpy as np
import pytest
from scipy import stats
from script_calls import call, refusal

from multiprune.claims.power import Design, chance_of_settling, margin
from multiprune.files.json import write_json
from multiprune.uncertainty.seeds_and_items import Cell, Estimate, Resampled
from unit.claims import fixed_records

PILOT = Estimate(0.05, np.array([0.0009, 0.0016]), np.array([1.0, 30.0]))  # two draws


def test_a_design_by_hand():
    found = Design(seeds=6, items=4.0).applied(PILOT)
    assert found.value == 0.05
    np.testing.assert_allclose(found.variances, [0.0003, 0.0004])
    np.testing.assert_allclose(found.degrees, [5, 120])
    by_hand = math.hypot(
        stats.t.isf(0.025, 5) * math.sqrt(0.0003), stats.t.isf(0.025, 120) * math.sqrt(0.0004)
    )
    assert margin(found, 0.95) == pytest.approx(by_hand)


def test_the_pilot_s_own_design_changes_nothing():
    found = Design(seeds=2, items=1.0).applied(PILOT)
    assert (found.value, *found.variances, *found.degrees) == pytest.approx(
        (PILOT.value, *PILOT.variances, *PILOT.degrees)
    )


def test_chances_by_hand():
    wide = Estimate(0.0, np.array([0.5, 0.5]), np.array([1e9, 1e9]))  # normal, deviation 1
    assert chance_of_settling(wide, 0.0, 0.95) == pytest.approx(0.05, abs=1e-6)
    assert chance_of_settling(wide, stats.norm.isf(0.025), 0.95) == pytest.approx(0.5, abs=1e-3)
    sure = Estimate(0.1, np.array([0.0, 0.0]), np.array([2.0, 30.0]))
    assert chance_of_settling(sure, 0.0, 0.95) == 1
    assert chance_of_settling(sure, 0.1, 0.95) == 0


def simulated(draw: np.random.Generator, seeds: int, items: int) -> Estimate:
    """An experiment with an effect of 0.03: draws vary by 0.02, items by 0.2, the rest by 0.05."""
    of_seeds, of_items = draw.normal(0, 0.02, (seeds, 1)), draw.normal(0, 0.2, (1, items))
    differences = 0.03 + of_seeds + of_items + draw.normal(0, 0.05, (seeds, items))
    cell = Cell("de", "0.5", f"{draw.integers(1 << 40)}", differences, np.ones(items))
    return Resampled([cell], 200).estimate()


def test_chances_are_those_of_simulated_experiments():
    """From the true variances of a pilot of 4 draws and 100 items, to 8 draws and 800 items."""
    pilot = Estimate(0.03, np.array([0.0004 / 4, 0.04 / 100]), np.array([3.0, 99.0]))
    promised = chance_of_settling(Design(8, 8.0).applied(pilot), 0.0, 0.95)
    draw = np.random.default_rng(0)
    settled = [simulated(draw, 8, 800).interval(0.95)[0] > 0 for _trial in range(150)]
    assert promised == pytest.approx(np.mean(settled), abs=0.15)
    assert 0.4 < promised < 0.95


class TestScript:
    @staticmethod
    def pilot(folder, seeds: tuple[int, ...]):
        grid = fixed_records.grid_of(seeds=seeds)
        fixed_records.write(folder, grid)
        write_json(folder / "grid.json", fixed_records.content_of(seeds=seeds))
        return ["--results", folder, "--model", "m", "--claims", fixed_records.CLAIMS,
                "--cores", "2", "--output", folder / "power.md"]  # fmt: skip

    def test_more_draws_and_items_settle_more(self, tmp_path):
        arguments = self.pilot(tmp_path, (0, 1))
        assert call("estimate_power", *arguments, "--designs", "2x1", "5x4")[0] == 0
        rows = [line.split("|") for line in (tmp_path / "power.md").read_text().splitlines()]
        by_claim = {row[1].strip(): [cell.strip() for cell in row[2:-1]] for row in rows[2:]}
        few, many = (int(text.removesuffix("%")) for text in by_claim["bilingual-perplexity"][2:])
        assert few <= many
        assert "m-wanda-variance" in by_claim["variance-helps"][0]
        assert "m-wanda-time" not in by_claim

    def test_a_pilot_without_downstream_tasks(self, tmp_path):
        arguments = self.pilot(tmp_path, (0, 1))
        content = fixed_records.content_of(seeds=(0, 1)) | {"downstream": {}}
        write_json(tmp_path / "grid.json", content)
        assert call("estimate_power", *arguments, "--designs", "3x1")[0] == 0
        assert "hours of evaluation on 2 cores" in (tmp_path / "power.md").read_text()

    def test_a_pilot_whose_tasks_were_not_run(self, tmp_path):
        arguments = self.pilot(tmp_path, (0, 1))
        for folder in tmp_path.glob("*/seed*/downstream"):
            shutil.rmtree(folder)
        assert call("estimate_power", *arguments, "--designs", "3x1")[0] == 0
        assert "the pilot has no records of tasks" in (tmp_path / "power.md").read_text()

    def test_refusals_are_one_line(self, tmp_path):
        arguments = self.pilot(tmp_path, (0,))
        line = refusal("estimate_power", *arguments, "--designs", "3x1")
        assert line == f"error: {tmp_path}: has one seed; a pilot needs two or more"
        for bad in ("3", "1x2", "3x0", "ax1"):
            line = refusal("estimate_power", *arguments, "--designs", bad)
            assert line.startswith(f"error: --designs: found {bad!r}, allowed are SEEDSxITEMS")
