"""BLEU and chrF of translations, and the counts of each sentence that both follow from.

The counts are additive: those of any choice of sentences, added, give the score of the whole
(Papineni et al. 2002; Popović 2015). So sentences can be resampled without being compared anew.
"""

from collections.abc import Sequence

import numpy as np
from sacrebleu.metrics import BLEU, CHRF

BLEU_NAME, CHRF_NAME = "bleu", "chrf"
SCORES = {BLEU_NAME: BLEU(force=True), CHRF_NAME: CHRF()}  # sacreBLEU's own settings


def counts(metric: str, written: Sequence[str], references: Sequence[str]) -> list[list[int]]:
    """Lengths and matches of n-grams, a row a sentence. As sacreBLEU keeps them to resample."""
    return SCORES[metric]._extract_corpus_statistics(written, [references])


def score(metric: str, rows: np.ndarray) -> float:
    """The score of all sentences together, from 0 to 100. rows: counts [sentences, n]."""
    total = rows.sum(axis=0).tolist()
    return float(SCORES[metric]._compute_score_from_stats(total).score)


def resampled(metric: str, rows: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Scores of drawn sentences. counts [sentences, n], numbers of sentences [draws, k] -> [draws].

    The bootstrap of Koehn (2004).
    """
    totals = rows[drawn].sum(axis=1).tolist()
    return np.array([SCORES[metric]._compute_score_from_stats(total).score for total in totals])
