"""Which candidate a sweep takes: the simplest within one standard error of the best.

The model. A candidate's figure of merit is its mean log perplexity over the languages, that is the
logarithm of the geometric mean of the perplexities. With losses a_w of the candidate and b_w of the
best one (nats) and t_w tokens in window w of a language, d_w = a_w - b_w,

    D = sum_w d_w / sum_w t_w,    var(D) = W / (W - 1) * sum_w (d_w - D t_w)^2 / (sum_w t_w)^2,

the linearised variance of a ratio estimate over W windows (Cochran 1977, Sampling Techniques,
section 6.4, without finite population correction). Windows are paired, since all candidates read
the same text; languages are fixed: the mean over L languages has the standard error
sqrt(sum of var(D)) / L.

The rule (Breiman et al. 1984, Classification and Regression Trees, section 3.4.3) keeps noise of
the validation text from moving a constant away from the method's own value.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from multiprune.evaluation.candidate_records import Losses, check_windows


@dataclass(frozen=True)
class Rank:
    """A candidate's place: perplexity is a geometric mean over languages.

    log_ratio: log(perplexity / that of the best). standard_error: of log_ratio. simplicity: 0 is
    the simplest candidate.
    """

    candidate: str
    simplicity: int
    perplexity: float
    log_ratio: float
    standard_error: float

    @property
    def within(self) -> bool:
        """Whether the text does not tell it from the best."""
        return self.log_ratio <= self.standard_error


def log_perplexity(losses: Losses, tokens: Losses) -> float:
    """Mean over languages of the log perplexity."""
    return float(np.mean([losses[name].sum() / tokens[name].sum() for name in sorted(losses)]))


def standard_error(losses: Losses, reference: Losses, tokens: Losses) -> float:
    """Of the difference of two mean log perplexities, paired over windows, languages fixed."""
    variances = [_variance(losses[name] - reference[name], tokens[name]) for name in sorted(losses)]
    return math.sqrt(math.fsum(variances)) / len(variances)


def ranking(losses: Sequence[tuple[str, Losses]], tokens: Losses) -> list[Rank]:
    """Candidates (name, losses), the simplest first -> their places, the best first.

    Equal perplexities stand in the order of simplicity. InputError where a language has too few
    windows for a standard error.
    """
    for language, counts in sorted(tokens.items()):
        check_windows(language, len(counts))
    scores = [log_perplexity(own, tokens) for _name, own in losses]
    best = int(np.argmin(scores))  # of equals the first, which is the simplest
    ranks = [
        Rank(
            name,
            simplicity,
            math.exp(score),
            score - scores[best],
            standard_error(own, losses[best][1], tokens),
        )
        for simplicity, ((name, own), score) in enumerate(zip(losses, scores, strict=True))
    ]
    return sorted(ranks, key=lambda rank: rank.log_ratio)


def one_standard_error(ranks: Sequence[Rank]) -> Rank:
    """The simplest candidate within one standard error of the best."""
    return min((rank for rank in ranks if rank.within), key=lambda rank: rank.simplicity)


def finalists(ranks: Sequence[Rank], count: int) -> list[str]:
    """The first `count` candidates of a ranking that differ in perplexity: of equals the first."""
    distinct: list[Rank] = []
    for rank in ranks:
        if not distinct or rank.log_ratio != distinct[-1].log_ratio:
            distinct.append(rank)
    return [rank.candidate for rank in distinct[:count]]


def reason(ranks: Sequence[Rank], chosen: Rank) -> str:
    """Why this candidate was taken, in a sentence."""
    best, within = ranks[0], sum(rank.within for rank in ranks)
    if chosen == best:
        simpler = "" if within == 1 else ", and the simplest of them"
        return (
            f"{best.candidate} has the lowest perplexity ({best.perplexity:.4g}) of {len(ranks)} "
            f"candidates; {within} lie within one standard error of it, itself included{simpler}"
        )
    return (
        f"{best.candidate} has the lowest perplexity ({best.perplexity:.4g}) of {len(ranks)} "
        f"candidates; {within} lie within one standard error of it, itself included, and "
        f"{chosen.candidate} ({chosen.perplexity:.4g}) is the simplest of them"
    )


def _variance(difference: np.ndarray, tokens: np.ndarray) -> float:
    count, total = len(tokens), tokens.sum()
    residual = difference - difference.sum() / total * tokens
    return float(count / (count - 1) * np.sum(residual**2) / total**2)
