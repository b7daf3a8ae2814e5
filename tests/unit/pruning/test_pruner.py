import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import patience
from safetensors.numpy import load_file, save_file
from tiny import write_llama

import prune_model
from multiprune.errors import InputError
from multiprune.files.hashes import sha256_file
from multiprune.files.manifests import checked_fingerprint, write_manifest
from multiprune.files.tensors import read_tensors, write_tensors
from multiprune.models.loading import load_model
from multiprune.models.weights import ModelWeights
from multiprune.pruning.loading import load_pruned
from multiprune.pruning.masks import apply_mask, write_mask
from multiprune.pruning.pruner import Pruner, keep_by_method
from multiprune.pruning.scores import wanda
from multiprune.statistics.files import StatisticsFiles
from unit.pruning.data import (
    CONTRAST,
    CWL,
    LANGUAGES,
    M_WANDA,
    MAGNITUDE,
    METHODS,
    TOKENS,
    WANDA,
    input_sums,
    kept,
    llama_weights,
    plain_mask,
    prune,
    with_statistics,
)


def prune_against(folder, languages, other):
    """With the norm `contrast`: the languages' statistics against another's."""
    paths = [folder / f"{code}.safetensors" for code in languages]
    with (
        StatisticsFiles(paths) as statistics,
        StatisticsFiles([folder / f"{other}.safetensors"]) as contrast,
    ):
        return Pruner(ModelWeights(folder / "model"), statistics, CONTRAST, contrast).prune(0.5)


@pytest.mark.parametrize("sparsity", [0.3, 0.5, 0.75])
def test_wanda_equals_plain_numpy(llama, sparsity):
    found = kept(prune(llama, WANDA, sparsity))
    weights = llama_weights(llama)
    assert found.keys() == weights.keys()
    assert len(found) == 14
    for name, weight in weights.items():
        norm = np.sqrt(input_sums(llama, name, "sum_sq").sum(axis=0) / TOKENS.sum())
        expected = plain_mask(np.abs(weight) * norm, sparsity)
        np.testing.assert_array_equal(found[name], expected, err_msg=name)


def test_contrast_equals_plain_numpy(llama):
    found = kept(prune_against(llama, ["de", "en"], "fr"))
    for name, weight in llama_weights(llama).items():
        sums = input_sums(llama, name, "sum_sq")  # rows: de, en, fr
        square = sums[:2].sum(axis=0) / TOKENS[:2].sum()
        norm = square / np.sqrt(sums[2] / TOKENS[2])
        np.testing.assert_array_equal(found[name], plain_mask(np.abs(weight) * norm, 0.5), name)


def test_contrast_cannot_swap_with_what_it_divides(llama):
    expected = prune_against(llama, ["de", "en"], "fr").masks
    swapped = prune_against(llama, ["fr"], "de").masks
    again = prune_against(llama, ["en", "de"], "fr").masks
    assert all(np.array_equal(again[name], expected[name]) for name in expected)
    assert any(not np.array_equal(swapped[name], expected[name]) for name in expected)


def prune_arguments(folder, output, statistics):
    paths = [str(folder / f"{code}.safetensors") for code in statistics]
    return [
        "prune_model.py", "--model", str(folder / "model"), "--statistics", *paths,
        "--contrast", str(folder / "fr.safetensors"), "--name", "kim-contrast",
        "--method", json.dumps(CONTRAST), "--sparsity", "0.5", "--threads", "1",
        "--output", str(folder / output),
    ]  # fmt: skip


def test_order_of_files_and_hash_seed_leave_the_mask_as_it_is(tmp_path, monkeypatch):
    folder = with_statistics(tmp_path, write_llama)
    write_manifest(folder / "model", {})
    model = checked_fingerprint(folder / "model")
    for language in LANGUAGES:
        path = folder / f"{language}.safetensors"
        tensors, metadata = read_tensors(path)
        write_tensors(path, tensors, metadata | {"model": model})
    monkeypatch.setattr("sys.argv", prune_arguments(folder, "a", ["de", "en"]))
    prune_model.main()
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    subprocess.run(
        [sys.executable, *prune_arguments(folder, "b", ["en", "de"])],
        cwd=Path(prune_model.__file__).parent,
        env=os.environ | {"PYTHONHASHSEED": seed}, check=True, timeout=patience(360),
    )  # fmt: skip
    assert (folder / "a").read_bytes() == (folder / "b").read_bytes()
    tensors, metadata = read_tensors(folder / "a")
    expected = prune_against(folder, ["de", "en"], "fr").masks
    assert all(np.array_equal(tensors[name], expected[name]) for name in expected)
    inputs = json.loads(metadata["inputs"])
    assert inputs["contrast"] == sha256_file(folder / "fr.safetensors")
    assert inputs.keys() == {"model", "contrast", "de.safetensors", "en.safetensors"}


def test_a_score_of_another_shape_is_named(llama, monkeypatch):
    monkeypatch.setattr(wanda, "score", lambda weight, norm: norm[None])
    message = r"score wanda gave \[1, 48\] for a weight of \[32, 48\]; allowed is a score for each"
    with pytest.raises(InputError, match=message):
        prune(llama, WANDA, 0.5)


def test_contrast_and_its_file_go_together(llama):
    with pytest.raises(InputError, match=r"^norm contrast: needs the statistics of a contrast set"):
        prune(llama, CONTRAST, 0.5)
    with (
        StatisticsFiles([llama / "de.safetensors"]) as one,
        pytest.raises(InputError, match=r"^--contrast: is only for the norm contrast, .* pooled$"),
    ):
        Pruner(ModelWeights(llama / "model"), one, WANDA, one)


def plain_m_wanda(folder, sparsity, count="active"):
    """Masks and block sparsities of m-wanda: the formulas of the design, one after the other."""
    weights = llama_weights(folder)
    by_language = {
        name: np.sqrt(input_sums(folder, name, "sum_sq") / TOKENS[:, None]) for name in weights
    }
    inputs = ["self_attn.q_proj", "self_attn.o_proj", "mlp.up_proj", "mlp.down_proj"]
    correlation = np.array(
        [
            np.mean(
                [
                    np.corrcoef(norms[a], norms[b])[0, 1]
                    for module in inputs
                    for norms in [by_language[f"model.layers.{block}.{module}.weight"]]
                    for a, b in itertools.combinations(range(3), 2)
                ]
            )
            for block in (0, 1)
        ]
    )
    # Two blocks of equal size: the one with the higher correlation gets 0.1 more density than
    # the mean, the other 0.1 less.
    more = np.where(correlation == correlation.max(), 0.1, -0.1)
    targets = 1 - (1 - sparsity + more)
    masks = {}
    for name, weight in weights.items():
        pooled = np.sqrt(input_sums(folder, name, "sum_sq").sum(axis=0) / TOKENS.sum())
        active = (input_sums(folder, name, count) / TOKENS[:, None]).mean(axis=0)
        norm = (pooled + 0.25 * by_language[name].std(axis=0)) * (1 + 0.5 * active)
        block = int(name.split(".")[2])
        masks[name] = plain_mask(np.abs(weight) * norm, targets[block])
    return masks, targets, correlation


@pytest.mark.parametrize(("of", "key"), [("mean", "sum"), ("mean_abs", "sum_abs")])
def test_another_reading_equals_plain_numpy(llama, of, key):
    """Variance of means, absolute activity that is added, blocks by the correlation of scores."""
    weights = llama_weights(llama)
    norm = {
        "kind": "cross_lingual", "of": of, "dispersion": "variance", "dispersion_weight": 2.0,
        "activation_weight": 0.5, "activation_on": "added", "activation_threshold": 0.5,
        "activation_relative": False,
    }  # fmt: skip
    method = {**M_WANDA, "norm": norm, "allocation": {**CWL, "correlation_of": "scores"}}
    correlations, masks = {0: [], 1: []}, {}
    for name, weight in weights.items():
        by_language = np.sqrt(input_sums(llama, name, "sum_sq") / TOKENS[:, None])
        scores = [(np.abs(weight) * norm).ravel() for norm in by_language]
        pairs = np.corrcoef(scores)[np.triu_indices(3, 1)]
        correlations[int(name.split(".")[2])] += pairs.tolist()
        pooled = np.sqrt(input_sums(llama, name, "sum_sq").sum(axis=0) / TOKENS.sum())
        spread = (input_sums(llama, name, key) / TOKENS[:, None]).var(axis=0) / pooled.mean()
        active = (input_sums(llama, name, "above@0.5") / TOKENS[:, None]).mean(axis=0)
        masks[name] = np.abs(weight) * (pooled + 2 * spread + 0.5 * active * pooled.mean())
    importance = [np.mean(correlations[block]) for block in (0, 1)]
    targets = np.where(np.array(importance) == max(importance), 0.4, 0.6)
    pruned = prune(llama, method, 0.5)
    np.testing.assert_allclose([block.importance for block in pruned.blocks], importance)
    np.testing.assert_allclose([block.target for block in pruned.blocks], targets, atol=1e-12)
    found = kept(pruned)
    for name, scored in masks.items():
        expected = plain_mask(scored, targets[int(name.split(".")[2])])
        np.testing.assert_array_equal(found[name], expected, err_msg=name)


def test_m_wanda_equals_plain_numpy(llama):
    pruned = prune(llama, M_WANDA, 0.5)
    masks, targets, correlation = plain_m_wanda(llama, 0.5)
    assert sorted(targets) == pytest.approx([0.4, 0.6])
    np.testing.assert_allclose([block.target for block in pruned.blocks], targets, atol=1e-12)
    np.testing.assert_allclose([block.importance for block in pruned.blocks], correlation)
    found = kept(pruned)
    assert found.keys() == masks.keys()
    for name, expected in masks.items():
        np.testing.assert_array_equal(found[name], expected, err_msg=name)


def at_threshold(threshold):
    return {**M_WANDA, "norm": {**M_WANDA["norm"], "activation_threshold": threshold}}


def test_the_norm_reads_the_count_at_the_method_s_threshold(llama):
    default, same, lower = (
        kept(prune(llama, method, 0.5)) for method in (M_WANDA, at_threshold(1), at_threshold(0.5))
    )
    expected = plain_m_wanda(llama, 0.5, "active@0.5")[0]
    for name, keep in lower.items():
        np.testing.assert_array_equal(keep, expected[name], err_msg=name)
        np.testing.assert_array_equal(same[name], default[name], err_msg=name)
    assert any((lower[name] != default[name]).any() for name in lower)


def test_a_threshold_without_a_count_is_one_line(llama):
    line = r"de\.safetensors: activity is not counted at activation_threshold 2, only at 0\.5, 1;"
    with pytest.raises(InputError, match=line):
        prune(llama, at_threshold(2.0), 0.5)


def test_owl_importance_is_the_share_of_outlying_scores(llama):
    pruned = prune(llama, METHODS["owl"], 0.5)
    weights = llama_weights(llama)
    for block in pruned.blocks:
        scores = []
        for name, weight in weights.items():
            if f".layers.{block.block}." in name:
                norm = np.sqrt(input_sums(llama, name, "sum_sq").sum(axis=0) / TOKENS.sum())
                scores.append((np.abs(weight) * norm).ravel())
        values = np.concatenate(scores)
        assert block.importance == pytest.approx((values > 3 * values.mean()).mean(), abs=1e-12)
        assert 0 < block.importance < 1


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(METHODS)), st.floats(0.02, 0.98))
def test_achieved_sparsity_follows_the_floor_rule(llama, name, sparsity):
    method = METHODS[name]
    pruned = prune(llama, method, sparsity)
    masks = kept(pruned)
    targets = {block.block: block.target for block in pruned.blocks}
    for parameter, keep in masks.items():
        target = targets[int(parameter.split(".")[2])]
        if method["scope"] == "row":
            dropped = int(np.floor(keep.shape[1] * target + 1e-9))
            assert (keep == 0).sum(axis=1).tolist() == [dropped] * len(keep)
        else:
            assert (keep == 0).sum() == int(np.floor(keep.size * target + 1e-9))
    dropped = sum(int((keep == 0).sum()) for keep in masks.values())
    achieved = dropped / sum(keep.size for keep in masks.values())
    assert pruned.achieved_sparsity == pytest.approx(achieved)
    assert sum(block.pruned for block in pruned.blocks) == dropped
    assert sparsity - 1 / 32 - 2e-3 <= achieved <= sparsity + 1e-9
    mean = np.average(list(targets.values()), weights=[block.parameters for block in pruned.blocks])
    assert mean == pytest.approx(sparsity, abs=1e-9)


def test_dlp_importance_is_one_less_the_share_of_the_median(llama):
    medians = {}
    for name, weight in llama_weights(llama).items():
        norm = np.sqrt(input_sums(llama, name, "sum_sq").sum(axis=0) / TOKENS.sum())
        medians.setdefault(int(name.split(".")[2]), []).append((np.abs(weight) * norm).ravel())
    medians = [np.median(np.concatenate(scores)) for scores in medians.values()]
    found = [block.importance for block in prune(llama, METHODS["dlp"], 0.5).blocks]
    np.testing.assert_allclose(found, 1 - medians / np.sum(medians), rtol=1e-3)


def test_lsa_is_for_jobs_that_pass_windows(llama):
    with pytest.raises(InputError, match=r"^allocation lsa: .*; add propagation: sequential$"):
        prune(llama, {**WANDA, "allocation": {"kind": "lsa", "strength": 0.08}}, 0.5)


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"magnitude"}))
def test_the_order_of_languages_changes_no_byte(llama, tmp_path, name):
    contents = set()
    for order in itertools.permutations(LANGUAGES):
        pruned = prune(llama, METHODS[name], 0.5, order)
        blocks = [block.as_json() for block in pruned.blocks]
        write_mask(tmp_path / "m", pruned.masks, {"shapes": pruned.shapes, "blocks": blocks})
        contents.add((tmp_path / "m").read_bytes())
    assert len(contents) == 1


def test_a_language_more_changes_the_mask(llama):
    few, all_three = (kept(prune(llama, WANDA, 0.5, codes)) for codes in (["en"], list(LANGUAGES)))
    assert any((few[name] != all_three[name]).any() for name in few)


def test_pruning_one_model_at_several_sparsities_keeps_less_and_less(llama):
    masks = [kept(prune(llama, WANDA, sparsity)) for sparsity in (0.25, 0.5, 0.75)]
    for lower, higher in itertools.pairwise(masks):
        assert all((lower[name] >= higher[name]).all() for name in lower)


def test_scores_that_are_not_finite_name_their_matrix():
    scores = torch.tensor([[1.0, float("inf")]])
    with pytest.raises(InputError, match=r"^a\.weight: has scores that are not finite$"):
        keep_by_method(WANDA, scores, 0.5, "a.weight")


# Other ways to store weights.


def test_gpt2_is_pruned_by_output_row_and_stored_as_it_is(gpt2):
    pruned = prune(gpt2, WANDA, 0.5)
    stored = load_file(gpt2 / "model" / "model.safetensors")
    model = load_model(gpt2 / "model")
    assert len(pruned.masks) == 8
    for name, keep in kept(pruned).items():
        assert keep.shape == tuple(model.get_parameter(name).shape)
        weight = stored[name].astype(float)  # (inputs, outputs)
        files = [load_file(gpt2 / f"{code}.safetensors") for code in LANGUAGES]
        key = name.removesuffix(".weight") + ".sum_sq"
        norm = np.sqrt(sum(file[key] for file in files) / TOKENS.sum())
        expected = plain_mask((np.abs(weight) * norm[:, None]).T, 0.5).T
        np.testing.assert_array_equal(keep, expected, err_msg=name)
        inputs = keep.shape[0]
        assert (keep == 0).sum(axis=0).tolist() == [inputs // 2] * keep.shape[1]


def test_gpt2_fused_query_key_value_has_three_times_as_many_outputs(gpt2):
    shapes = prune(gpt2, MAGNITUDE, 0.5).shapes
    assert shapes["transformer.h.0.attn.c_attn.weight"] == (16, 48)
    assert shapes["transformer.h.1.mlp.c_proj.weight"] == (64, 16)


def test_bloom_masks_bear_the_names_of_the_model(bloom, tmp_path):
    stored = load_file(bloom / "model" / "model.safetensors")
    assert not any(name.startswith("transformer.") for name in stored)
    pruned = prune(bloom, WANDA, 0.5)
    assert "transformer.h.0.self_attention.query_key_value.weight" in pruned.masks
    assert len(pruned.masks) == 8
    write_mask(tmp_path / "m", pruned.masks, {"shapes": pruned.shapes})
    model = load_pruned(bloom / "model", pruning=tmp_path / "m")
    for name, keep in kept(pruned).items():
        weight = model.get_parameter(name).detach().numpy()
        expected = stored[name.removeprefix("transformer.")] * keep
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize("folder", ["llama", "gpt2", "bloom"])
def test_a_masked_model_differs_only_in_masked_weights(folder, request, tmp_path):
    folder = request.getfixturevalue(folder)
    pruned = prune(folder, MAGNITUDE, 0.6)
    write_mask(tmp_path / "m", pruned.masks, {"shapes": pruned.shapes})
    dense, masked = (
        load_model(folder / "model"),
        load_pruned(folder / "model", pruning=tmp_path / "m"),
    )
    masks = kept(pruned)
    for name, parameter in masked.named_parameters():
        before = dense.get_parameter(name)
        keep = torch.from_numpy(masks[name]) if name in masks else torch.ones_like(parameter)
        assert torch.equal(parameter, before * keep), name


def test_apply_mask_refuses_the_mask_of_another_architecture(llama, bloom, tmp_path):
    pruned = prune(bloom, MAGNITUDE, 0.5)
    write_mask(tmp_path / "m", pruned.masks, {"shapes": pruned.shapes})
    with pytest.raises(
        InputError, match=r"m: masks transformer\..*, which the model does not have"
    ):
        apply_mask(load_model(llama / "model"), tmp_path / "m")


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_one_line(tmp_path, number):
    path = write_llama(tmp_path) / "model.safetensors"
    tensors = load_file(path)
    tensors["model.layers.1.mlp.up_proj.weight"][3, 4] = number
    save_file(tensors, path, {"format": "pt"})
    expected = rf"^{tmp_path}: model\.layers\.1\.mlp\.up_proj\.weight holds numbers that are not"
    with pytest.raises(InputError, match=expected):
        Pruner(ModelWeights(tmp_path), None, MAGNITUDE).prune(0.5)


def test_statistics_without_a_parameter_are_one_line(llama, gpt2):
    weights = ModelWeights(llama / "model")
    with (
        StatisticsFiles([gpt2 / "de.safetensors"]) as statistics,
        pytest.raises(
            InputError, match=r"de\.safetensors: has no statistics for model\.layers\.0\."
        ),
    ):
        Pruner(weights, statistics, WANDA).prune(0.5)
