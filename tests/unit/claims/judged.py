"""A verdict as a row to look into."""

import pandas as pd

from multiprune.claims.definitions import Claim
from multiprune.claims.measurements import Measurements
from multiprune.claims.verdicts import judge

CELLS = [
    "estimate", "ci_low", "ci_high", "languages", "languages_hold", "languages_against", "verdict",
    "reason", "draws", "constants", "smallest_effect", "budgets", "basis",
]  # fmt: skip


def verdict_on(claim: Claim, measurements: Measurements) -> pd.Series:
    """What is compared, in words, and the verdict; nan for what it has not."""
    said = {"measurement": claim.measurement, "scope": claim.scope}
    return pd.Series(said | judge(claim, measurements), index=[*said, *CELLS])
