"""Norms of the residual stream against transformers' own hidden states."""

import numpy as np
import pytest
import tiny_architectures
import torch
from tiny_architectures import random_model

from multiprune.calibration.windows import Windows
from multiprune.models.architectures import ARCHITECTURES
from multiprune.statistics.passes import collect
from multiprune.statistics.residual import ResidualNorms

LENGTHS = np.array([3, 12, 1, 7, 12, 5], dtype=np.int32)


def ids():
    return np.random.default_rng(0).integers(0, 64, (6, 12)).astype(np.int32)


def by_hidden_states(model, lengths, first=0):
    """Mean over windows of the norm over positions, one window at a time, in float64."""
    norms = []
    for row, length in zip(ids(), lengths, strict=True):
        with torch.no_grad():
            given = torch.from_numpy(row[None, :length]).long()
            states = model.base_model(given, use_cache=False, output_hidden_states=True)
        norms.append([np.sqrt((s[0, first:].double().numpy() ** 2).sum(axis=0))
                      for s in states.hidden_states])  # fmt: skip
    return [np.mean(layer, axis=0) for layer in zip(*norms, strict=True)]


@pytest.mark.parametrize("name", sorted(tiny_architectures.ARCHITECTURES))
def test_layers_are_the_hidden_states_of_transformers(name):
    model = random_model(name)
    for lengths, batch_tokens in ((LENGTHS, 24), (np.full(6, 12, dtype=np.int32), 1000)):
        residual = ResidualNorms()
        architecture = ARCHITECTURES[model.config.model_type]
        collect(model, Windows(ids(), lengths), architecture, batch_tokens, residual=residual)
        expected = by_hidden_states(model, lengths)
        assert len(residual.arrays()) == len(expected) == 3
        for found, norms in zip(residual.arrays(), expected, strict=True):
            np.testing.assert_allclose(found, norms, rtol=1e-3, atol=1e-5)


def test_a_start_token_that_does_not_count_is_left_out():
    model = random_model("llama")
    residual = ResidualNorms()
    windows = Windows(ids(), np.maximum(LENGTHS, 2), first=1)
    collect(model, windows, ARCHITECTURES["llama"], 24, residual=residual)
    expected = by_hidden_states(model, np.maximum(LENGTHS, 2), first=1)
    for found, norms in zip(residual.arrays(), expected, strict=True):
        np.testing.assert_allclose(found, norms, rtol=1e-4, atol=1e-6)


def test_by_hand():
    residual = ResidualNorms()
    hidden = torch.tensor([[[3.0, 1.0], [4.0, 0.0]], [[6.0, 2.0], [8.0, 9.0]]])
    residual.update(0, hidden, torch.tensor([[True, True], [True, False]]))
    assert residual.arrays()[0].tolist() == [(5 + 6) / 2, (1 + 2) / 2]
    residual.update(0, hidden[:1])
    assert residual.arrays()[0].tolist() == [(5 + 6 + 5) / 3, (1 + 2 + 1) / 3]
