"""The table `claims`: what the papers claim, measured on one model, and the verdict on it."""

from pathlib import Path

import pandas as pd

from multiprune.claims.definitions import Claim
from multiprune.claims.measurements import Measurements
from multiprune.claims.reading import read_claims
from multiprune.claims.verdicts import judge
from multiprune.experiment.grid import Grid

COLUMNS = [
    "model", "claim", "paper", "statement", "measurement", "scope", "estimate", "ci_low", "ci_high",
    "threshold", "direction", "languages", "languages_hold", "verdict", "reason", "paper_value",
    "paper_source", "second_hand", "question", "constants", "draws", "languages_against",
    "smallest_effect", "budgets", "basis",
]  # fmt: skip
READS = ("claims", "perplexity", "downstream", "table:structure")
NEEDS = "claims"
ON_PAGE = [
    "model", "statement", "verdict", "constants", "estimate", "ci_low", "ci_high", "threshold",
    "direction", "measurement", "scope", "reason",
]  # fmt: skip
STANDARD = True
TITLE = "Claims and verdicts"
PLACE = 90
CAPTION = """\
What the papers claim, or what the experiment asks, and whether it holds, a row per model and claim.

- **claim, paper, statement**: key in ``config/claims.yaml`` or in the config's own file of claims,
  the paper (``none`` for a question of the experiment), the claim in this project's words.
  **second_hand**: known from summaries of the paper only.
- **measurement**: what is compared, method and reference. Ratios are geometric means over
  languages, differences are means of shares (0.01 is one point). Costs are those of making a mask,
  statistics and pruning, over all pairs of runs. **scope**: languages and sparsity.
- **estimate, ci_low, ci_high**: the mean over seeds and languages and its interval.
- **threshold, direction**: on which side of which value the claim holds. Thresholds are this
  project's choice, with their reasons in ``config/claims.yaml``.
- **languages, languages_hold**: languages in scope, and those that lie significantly beyond the
  threshold by themselves: two-sided t test over the test items with Holm's correction over the
  languages of the claim, and on the same side of the threshold with every seed.
  **languages_against**: those that lie significantly on the other side; the rest is open.
- **verdict**: *points for* where the interval lies wholly beyond the threshold in the claimed
  direction, *points against* where it lies wholly on the other side, *undecided* where it holds the
  threshold, *not measured* where something is missing; with three or more **draws** (seeds) of
  calibration text *supported*, *not supported* and *inconclusive*. *mixed*: the sparsities of the
  claim disagree. A claim about every language (or several sparsities) holds only if more than half
  of them hold by themselves and none contradicts; one language that contradicts speaks against it.
  **reason**: what the verdict rests on beside the interval, terms of the method that are switched
  off, or what is missing.
- **constants**: ``ours`` where a method of the claim holds a constant that no source confirms, so
  that the verdict is one on this project's constants; else ``published``. Empty where the config
  lacks one of the methods.
- **smallest_effect**: of an undecided claim, the smallest effect that this run could have shown:
  half the width of its interval, as a factor for a ratio.
- **question**: the heading under which the verdict is counted. **budgets**: how much calibration
  text the two methods read, where that differs. **basis**: metric, number of items and level of
  chance; for costs what the mask alone costs.
- **paper_value, paper_source**: the paper's own number where it could be verified, and from where.

Intervals, the same as of all perplexity ratios: two runs are compared on the same test items and
seeds. Items are resampled within each language, those of a parallel task in all languages at once;
the variation over seeds enters with seeds - 1 degrees of freedom, so that few seeds give wide
intervals. With one seed only the items vary: then nothing is said about other calibration text.
There is none where every pair of runs gives the same cost. Costs are those of making the final
mask, statistics and pruning, without the sweep that chose a method's constants. Languages are
fixed, not a sample, but where the reason says so: then the interval speaks of other languages and
of other random subsets, and ``languages_hold`` counts without a test. Claims are not corrected for
each other.
"""


def tabulate(
    results: Path, model: str, grid: Grid, claims: Path, structure: pd.DataFrame | None = None
) -> pd.DataFrame:
    """A row per claim of the file `claims`, in its order.

    structure: the model's table of how alike languages are, None where it is not made.
    """
    measurements = Measurements(results, model, grid, structure)
    rows = [
        {"model": model} | _described(claim) | judge(claim, measurements)
        for claim in read_claims(claims)
    ]
    # Counts, even beside the empty cells of claims that are not of languages.
    return pd.DataFrame(rows, columns=COLUMNS).astype(
        dict.fromkeys(("languages", "languages_hold", "languages_against", "draws"), "Int64")
    )


def _described(claim: Claim) -> dict:
    return {
        "claim": claim.key,
        "paper": claim.paper,
        "statement": claim.statement,
        "measurement": claim.measurement,
        "scope": claim.scope,
        "threshold": claim.threshold,
        "direction": claim.direction,
        "paper_value": claim.paper_value,
        "paper_source": claim.paper_source,
        "second_hand": claim.second_hand,
        "question": claim.question,
    }
