"""A claim of the papers: what is compared, in what scope, and what decides."""

import math
from dataclasses import dataclass
from os.path import commonprefix

PERPLEXITY, ACCURACY, CONSISTENCY, COST = (
    "perplexity_ratio",
    "accuracy_difference",
    "consistency_difference",
    "cost_ratio",
)
# Languages as a sample of languages, where perplexity_ratio takes them as given.
LANGUAGE_RATIO, WEAKNESS, FAMILIES = "language_ratio", "weakness_correlation", "family_alikeness"
RATIOS = (PERPLEXITY, COST, LANGUAGE_RATIO)
OF_LANGUAGES = (LANGUAGE_RATIO, WEAKNESS, FAMILIES)
RESOURCES = {"seconds": "time", "memory": "peak memory"}
LANGUAGE, SPARSITY = "language", "sparsity"
UNVERIFIED = "unverified"
NO_PAPER = "none"  # the claim is a question of an experiment
SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE = "supported", "not supported", "inconclusive"
# The same with fewer than ENOUGH_DRAWS draws of calibration text.
POINTS_FOR, POINTS_AGAINST, UNDECIDED = "points for", "points against", "undecided"
ENOUGH_DRAWS = 3
MIXED, NOT_MEASURED = "mixed", "not measured"
AS_SAMPLE = "languages as a sample"  # what a verdict about them rests on
FOR, AGAINST, OPEN = (
    (SUPPORTED, POINTS_FOR),
    (NOT_SUPPORTED, POINTS_AGAINST),
    (INCONCLUSIVE, UNDECIDED),
)
VERDICTS = (*FOR, *AGAINST, *OPEN, MIXED, NOT_MEASURED)
PAPERS = {"m-wanda": "M-Wanda", "kim": "Kim et al.", NO_PAPER: "This experiment"}


@dataclass(frozen=True)
class Claim:
    """One claim: `method` against `reference`, beyond `threshold` in `direction`.

    question: the heading under which its verdict is counted.
    corpus: of the languages' text, "" for any.
    sparsity: as in paths, "" for every one that both runs have. each: language, sparsity or "".
    tasks: empty for all. threshold: a ratio, or a difference of shares.
    """

    key: str
    paper: str
    question: str
    statement: str
    kind: str
    methods: tuple[str, ...]
    references: tuple[str, ...]
    threshold: float
    direction: str
    languages: str
    corpus: str
    sparsity: str
    each: str
    tasks: tuple[str, ...]
    resource: str
    paper_value: str
    paper_source: str
    second_hand: bool

    @property
    def method(self) -> str:
        """The method's name; of several draws what their names begin with."""
        return _drawn(self.methods)

    @property
    def reference(self) -> str:
        """The same of what it is compared with."""
        return _drawn(self.references)

    @property
    def is_ratio(self) -> bool:
        return self.kind in RATIOS

    @property
    def boundary(self) -> float:
        """The threshold in the unit of the differences: the logarithm of a ratio."""
        return math.log(self.threshold) if self.is_ratio else self.threshold

    @property
    def measurement(self) -> str:
        """What is compared, in words."""
        if self.is_ratio:
            what = RESOURCES[self.resource] if self.kind == COST else "perplexity"
            return f"{what} ratio: {self.method} / {self.reference}"
        if self.kind == WEAKNESS:
            return f"rank correlation: ratio of {self.method} with dense bits per byte"
        if self.kind == FAMILIES:
            return "correlation difference: within - between families"
        what = "accuracy" if self.kind == ACCURACY else "RankC"
        return f"{what} difference: {self.method} - {self.reference}"

    @property
    def scope(self) -> str:
        """Languages, tasks and sparsities that it speaks of, in words."""
        if self.kind == FAMILIES:
            return "calibration languages, dense model"
        where = f"sparsity {self.sparsity}" if self.sparsity else "every shared sparsity"
        if self.kind == COST:
            return where
        tasks = [f"tasks {' '.join(self.tasks)}"] if self.tasks else []
        corpus = f" of {self.corpus}" if self.corpus else ""
        return ", ".join([f"{self.languages} languages{corpus}", *tasks, where])


def _drawn(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{commonprefix(names)}*"  # noqa: RUF071
