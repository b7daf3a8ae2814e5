"""Records of eight languages, four of them in the pool, and claims about them as a sample."""

from copy import deepcopy
from pathlib import Path

import pandas as pd
import yaml

from multiprune.claims.definitions import Claim, read_claims
from multiprune.claims.measurements import Measurements
from multiprune.experiment.grid import Grid
from multiprune.files.json import write_json
from multiprune.files.tables import read_table
from unit.claims.judged import verdict_on
from unit.columns import COLUMNS

RATIO = {"kind": "language_ratio", "method": "few-s0", "reference": "whole"}
WEAKNESS = {"kind": "weakness_correlation", "method": "whole", "reference": "dense"}
FAMILIES = {"kind": "family_alikeness"}
ENTRY = {
    "paper": "none", "statement": "It helps.", "source": "this project", "measurement": RATIO,
    "threshold": 1, "threshold_note": "any gain", "direction": "below",
    "scope": {"sparsity": 0.5}, "paper_source": "none",
}  # fmt: skip
LANGUAGES = {
    "aa": {"role": "calibration", "family": "ine"},
    "bb": {"role": "calibration", "family": "ine"},
    "cc": {"role": "calibration", "family": "trk"},
    "dd": {"role": "calibration", "family": "trk"},
    "uu": {"role": "unseen", "family": "ine"},
    "xx": {"role": "unseen", "family": "nic", "new_family": True},
    "yy": {"role": "unseen", "family": "tai", "new_family": True},
    "zz": {"role": "unseen", "family": "myn", "new_family": True},
}
POOL = ["aa", "bb", "cc", "dd"]
DENSE = dict(zip(LANGUAGES, (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5), strict=True))


def claim_of(folder: Path, measurement: dict = RATIO, **changes) -> Claim:
    """The claim of a file with one, the entry above with changes."""
    path = folder / "claims.yaml"
    entry = ENTRY | {"measurement": measurement} | changes
    path.write_text(yaml.safe_dump({"claims": {"it": entry}}), encoding="utf-8")
    return read_claims(path)[0]


def grid_of(methods=("few-s0", "few-s1", "whole"), languages=LANGUAGES, seeds=(0,)) -> Grid:
    """Methods that calibrate on one language, but `whole` on the pool."""
    run = {"seeds": list(seeds), "sparsities": ["0.5"], "calibration": POOL}
    own = {name: run | ({} if name == "whole" else {"calibration": ["aa"]}) for name in methods}
    content = {
        "seeds": list(seeds), "baseline": "whole", "languages": languages,
        "methods": {"dense": {"seeds": [0], "sparsities": ["0"], "calibration": []}, **own},
        "resampling": {"draws": 500, "confidence": 0.95}, "split": "test", "length": 20,
    }  # fmt: skip
    return Grid.of(deepcopy(content))


def write_records(results: Path, grid: Grid, more: dict[str, list[float]]) -> None:
    """Records of all languages: nats a token beyond the dense model's, in the languages' order."""
    for method, settings in grid.methods.items():
        for seed in settings["seeds"]:
            for name, extra in zip(LANGUAGES, more.get(method, [0.0] * 8), strict=True):
                mean = DENSE[name] + extra
                content = {
                    "split": "test", "length": 20, "bits_per_byte": mean / 4,
                    "unknown_tokens": 0,
                    "window_nll": [mean * 10, mean * 30], "window_tokens": [10, 30],
                }  # fmt: skip
                sparsity = settings["sparsities"][0]
                folder = results / f"m/seed{seed}/perplexity/{method}/{sparsity}"
                write_json(folder / f"{name}.json", content)


def structure_path(results: Path) -> Path:
    return results / "tables/by_model/m/structure.csv"


def judged(results: Path, claim: Claim, grid: Grid | None = None) -> pd.Series:
    """What is said of a claim; the table `structure` is read if it is there."""
    path = structure_path(results)
    structure = read_table(path, COLUMNS["structure"]) if path.is_file() else None
    measurements = Measurements(results, "m", grid or grid_of(), structure)
    return verdict_on(claim, measurements)
