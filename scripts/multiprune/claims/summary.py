"""The claims in few words: a sentence for each paper and question, never one count of all."""

import pandas as pd

from multiprune.claims.definitions import (
    ENOUGH_DRAWS,
    FOR,
    INCONCLUSIVE,
    MIXED,
    NO_PAPER,
    NOT_MEASURED,
    NOT_SUPPORTED,
    POINTS_AGAINST,
    POINTS_FOR,
    RESOURCES,
    SUPPORTED,
    UNDECIDED,
    UNVERIFIED,
)
from multiprune.experiment.grid import OURS

# Of how many claims, and a word of several where that differs.
COUNTED = {
    SUPPORTED: ("is supported", "are supported"),
    POINTS_FOR: ("points for", "point for"),
    NOT_SUPPORTED: ("is not supported", "are not supported"),
    POINTS_AGAINST: ("points against", "point against"),
    INCONCLUSIVE: ("is inconclusive", "are inconclusive"),
    UNDECIDED: ("is undecided", "are undecided"),
    MIXED: ("is mixed", "are mixed"),
}
# What a config lacks, in the reasons why a claim is not measured.
LACKING = ("the config", "evaluation.downstream", "the table structure")


def measured(claims: pd.DataFrame) -> pd.DataFrame:
    """The claims that have a verdict on their content."""
    return claims[claims["verdict"] != NOT_MEASURED]


def sentences(claims: pd.DataFrame) -> list[str]:
    """What is found of one model's claims, a sentence for each paper and question in their order.

    Costs are never counted together with other claims.
    """
    rows = measured(claims)
    costs = rows["measurement"].map(is_cost).astype(bool)
    groups = rows.groupby(["paper", "question", costs], sort=False, dropna=False)
    return [
        _sentence(question, paper != NO_PAPER, cost, group)
        for (paper, question, cost), group in groups
    ]


def unmeasured(claims: pd.DataFrame) -> list[str]:
    """The claims that were not measured: a line for those that the config lacks, and for others."""
    rows = claims[claims["verdict"] == NOT_MEASURED]
    lacking = rows["reason"].map(lambda reason: any(word in reason for word in LACKING))
    lines = []
    for some, one, several in (
        (
            rows[lacking.astype(bool)],
            "claim needs methods, tasks or languages that this config does not have",
            "claims need methods, tasks or languages that this config does not have",
        ),
        (
            rows[~lacking.astype(bool)],
            "claim could not be measured",
            "claims could not be measured",
        ),
    ):
        listed = "; ".join(f"{row.claim} ({row.reason})" for row in some.itertuples())
        if listed:
            lines.append(f"{len(some)} {one if len(some) == 1 else several}: {listed}.")
    return lines


def limits(claims: pd.DataFrame) -> str:
    """What the verdicts of one model are statements about, and what their words mean."""
    rows = measured(claims)
    if rows.empty:
        return ""
    draws, languages = int(rows["draws"].min()), rows["languages"].max()
    said = f"{draws} draw{'s' if draws != 1 else ''} of calibration text"
    if pd.notna(languages):
        said += f", {int(languages)} language{'s' if languages != 1 else ''}"
    text = (
        f"Read these as statements about this run: one model, {said}. Another language or draw "
        "can change a verdict."
    )
    if draws < ENOUGH_DRAWS:
        text += (
            f" With fewer than {ENOUGH_DRAWS} draws results only point for or against a claim, or "
            "leave it undecided."
        )
    if draws == 1:
        text += " Intervals cover test items, not other calibration text."
    return text


def papers_numbers(claims: pd.DataFrame) -> str:
    """Whether the papers' own numbers are known; empty where no paper claims anything."""
    rows = claims[claims["paper"] != NO_PAPER].drop_duplicates("claim")
    unknown = int((rows["paper_value"] == UNVERIFIED).sum())
    if not unknown:
        return ""
    whose = "any of them" if unknown == len(rows) else f"{unknown} of {len(rows)} of them"
    return f"The papers' own numbers could not be read for {whose} (paper_source in claims.csv)."


def spoken(verdict: str, constants: str) -> str:
    """The verdict as it is printed: of a method with constants of this project's own it says so."""
    if verdict == NOT_MEASURED or constants != OURS:
        return verdict
    return f"{verdict} here (this project's constants)"


def is_cost(measurement: str) -> bool:
    """Whether the column `measurement` speaks of time or memory."""
    return measurement.startswith(tuple(f"{what} ratio: " for what in RESOURCES.values()))


def _sentence(question: str, of_paper: bool, cost: bool, rows: pd.DataFrame) -> str:
    ours = " (our constants)" if (rows["constants"] == OURS).all() else ""
    verdicts = list(rows["verdict"])
    if len(verdicts) == 1:
        return f"{question}{ours}: {verdicts[0]}."
    kind = "cost claims" if cost else "quality claims" if of_paper else "claims"
    counts = [(verdicts.count(word), words) for word, words in COUNTED.items()]
    listed = [f"{count} {words[count > 1]}" for count, words in counts if count]
    if not set(verdicts) & {*FOR, MIXED}:
        listed.insert(0, "0 hold")
    return f"{question}{ours}: of {len(verdicts)} {kind} {', '.join(listed)}."
