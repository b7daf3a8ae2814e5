"""Reports on model folders: zeros, patterns, perplexity; and what is refused."""

import csv
import json
import math
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import byte_tokenizer, write_gpt2, write_llama

import export_model
import verify_model
from multiprune.errors import InputError
from multiprune.experiment.group_pattern import GroupPattern
from multiprune.export.sparsity_report import (
    Matrix,
    Sparsity,
    as_text,
    keeps_pattern,
    matrices,
    sparsity_of,
    sparsity_rows,
    together,
)
from multiprune.files.manifests import checked_fingerprint, write_manifest
from multiprune.models.loading import load_model
from multiprune.models.weights import INDEX, WHOLE, ModelWeights
from multiprune.pruning.loading import load_pruned
from multiprune.pruning.masks import pack, write_mask

TWO_OF_FOUR = GroupPattern(2, 4)


@pytest.mark.parametrize(
    ("rows", "pattern", "kept"),
    [
        ([[1, 0, 0, 2, 0, 3, 0, 4]], "2:4", True),
        ([[1, 0, 0, 2, 0, 3, 0, 4]], "4:8", True),
        ([[1, 0, 0, 2, 0, 3, 0, 4]], "1:4", True),
        ([[1, 0, 0, 2, 0, 3, 0, 4]], "3:4", False),
        # Four zeros in eight, but three of them in the first group of four.
        ([[0, 0, 0, 1, 1, 1, 0, 1]], "2:4", False),
        ([[0, 0, 0, 1, 1, 1, 0, 1]], "4:8", True),
        ([[0, 0, 1, 1], [0, 1, 1, 1]], "2:4", False),
        ([[0, 0, 0, 0, 0, 0]], "2:4", False),  # four does not divide six
        ([[0, 0, 0, 0, 0, 0]], "1:3", True),
    ],
)
def test_a_pattern_holds_when_every_group_has_its_zeros(rows, pattern, kept):
    zero = torch.tensor(rows) == 0
    assert keeps_pattern(zero, GroupPattern(*map(int, pattern.split(":")))) is kept


def test_zeros_of_either_sign_count():
    weight = torch.tensor([[0.0, -0.0, 1e-30, -2.0], [0.0, 0.0, 0.0, torch.nan]])
    found = sparsity_of(weight, [TWO_OF_FOUR])
    assert found == Sparsity(8, 5, {"2:4": True})
    assert found.share == 0.625


def test_rows_add_up_by_kind_and_by_block():
    counted = [
        Matrix(0, "q", Sparsity(10, 5, {"2:4": True})),
        Matrix(0, "up", Sparsity(30, 3, {"2:4": False})),
        Matrix(1, "q", Sparsity(10, 10, {"2:4": True})),
    ]
    columns = ("level", "name", "weights", "zeros", "sparsity", "2:4")
    assert [tuple(row.values()) for row in sparsity_rows(counted)] == [
        ("model", "all", 50, 18, 0.36, "no"),
        ("kind", "q", 20, 15, 0.75, "yes"),
        ("kind", "up", 30, 3, 0.1, "no"),
        ("block", 0, 40, 8, 0.2, "no"),
        ("block", 1, 10, 10, 1.0, "yes"),
    ]
    assert all(tuple(row) == columns for row in sparsity_rows(counted))


def test_text_is_aligned_with_empty_cells():
    rows = [{"name": "q", "sparsity": 0.5}, {"name": "longer", "perplexity": 123.456}]
    assert as_text(rows, ["name", "sparsity", "perplexity"]).splitlines() == [
        "name    sparsity  perplexity",
        "q       0.50000",
        "longer            123.46",
    ]


def pruned_by_position(folder: Path, transposed: bool) -> Path:
    """Zero inputs 1 and 2 of every four of each linear weight in the blocks, as stored."""
    tensors = load_file(folder / "model.safetensors")
    for name, tensor in tensors.items():
        if (".layers." in name or ".h." in name) and tensor.dim() == 2:
            view = tensor.T if transposed else tensor
            view[:, 1::4] = 0
            view[:, 2::4] = 0
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize(("write", "transposed"), [(write_llama, False), (write_gpt2, True)])
def test_patterns_run_along_the_inputs_however_weights_are_stored(write, transposed, tmp_path):
    counted = matrices(pruned_by_position(write(tmp_path), transposed), [TWO_OF_FOUR])
    assert {row.sparsity.holds["2:4"] for row in counted} == {True}
    assert {row.sparsity.share for row in counted} == {0.5}
    across = pruned_by_position(write(tmp_path), not transposed)
    assert {row.sparsity.holds["2:4"] for row in matrices(across, [TWO_OF_FOUR])} == {False}


def test_kinds_and_blocks_of_a_gpt2(tmp_path):
    counted = matrices(write_gpt2(tmp_path))
    assert list(together(counted, lambda row: row.kind)) == [
        "attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj",
    ]  # fmt: skip
    blocks = together(counted, lambda row: row.block)
    # Hidden size 16: 3 x 16 x 16 for q, k, v, 16 x 16, and two of 16 x 64.
    assert {b: s.weights for b, s in blocks.items()} == dict.fromkeys((0, 1), 48 * 16 + 256 + 2048)


def verify(monkeypatch: pytest.MonkeyPatch, folder: Path, output: Path, *more: object) -> list:
    arguments = ["--model", folder, "--threads", 1, "--output", output, *more]
    monkeypatch.setattr(sys, "argv", ["verify_model.py", *map(str, arguments)])
    verify_model.main()
    with open(output, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def llama(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("llama") / "model"
    return pruned_by_position(write_llama(folder), transposed=False)


def own_text(path: Path, *texts: str) -> Path:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def test_the_name_of_a_language_is_no_formula_in_the_table(llama, tmp_path, monkeypatch):
    text = own_text(tmp_path / "x.jsonl", "all human beings are born free")
    table = verify(monkeypatch, llama, tmp_path / "t.csv", "--text", f"+1+1={text}", "--length", 16)
    assert table[-1]["name"] == "'+1+1"


def test_the_table_of_a_folder_with_text(llama, tmp_path, monkeypatch, capsys):
    texts = ["all human beings are born free", "and equal"]
    text = own_text(tmp_path / "x.jsonl", *texts)
    table = verify(monkeypatch, llama, tmp_path / "t.csv", "--text", f"en={text}", "--length", 16)
    assert [(row["level"], row["name"]) for row in table] == [
        ("model", "all"),
        *(("kind", f"mlp.{n}_proj") for n in ("down", "gate", "up")),
        *(("kind", f"self_attn.{n}_proj") for n in "koqv"),
        ("block", "0"),
        ("block", "1"),
        ("language", "en"),
    ]
    assert {row["sparsity"] for row in table[:-1]} == {"0.5"}
    assert {(row["2:4"], row["4:8"]) for row in table[:-1]} == {("yes", "yes")}
    assert table[0]["weights"] == str(2 * (3 * 48 * 32 + 2 * 32 * 32 + 2 * 16 * 32))
    assert table[-1]["tokens"] == str(sum(len(text) + 1 for text in texts))
    assert float(table[-1]["perplexity"]) == pytest.approx(slow_perplexity(llama, texts, 16), 1e-5)
    assert "0.50000" in capsys.readouterr().out


def slow_perplexity(folder: Path, texts: list[str], length: int) -> float:
    """From all logits in double precision; a window begins with the token before it, or <s>."""
    ids = [0, *byte_tokenizer()("".join(text + "\n" for text in texts))["input_ids"]]
    model, losses = load_model(folder), []
    for start in range(0, len(ids) - 1, length):
        window = torch.tensor([ids[start : start + length + 1]])
        with torch.no_grad():
            probabilities = model(window[:, :-1]).logits.double().softmax(-1)[0]
        losses += [-math.log(p[i]) for p, i in zip(probabilities, window[0, 1:], strict=True)]
    return math.exp(sum(losses) / len(losses))


def test_other_patterns_can_be_asked_for(llama, tmp_path, monkeypatch):
    table = verify(monkeypatch, llama, tmp_path / "t.csv", "--patterns", "1:4", "3:8")
    assert (table[0]["1:4"], table[0]["3:8"]) == ("yes", "yes")
    table = verify(monkeypatch, llama, tmp_path / "t.csv", "--patterns", "3:4")
    assert table[0]["3:4"] == "no"


def test_an_export_is_held_against_its_record(llama, tmp_path, monkeypatch):
    folder = tmp_path / "export"
    folder.mkdir()
    for path in llama.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    half = (3 * 48 * 32 + 2 * 32 * 32 + 2 * 16 * 32) - 5
    record = folder / "pruning.json"
    record.write_text(json.dumps({"zeros": {"dropped": half, "kept": 5}}))
    verify(monkeypatch, folder, tmp_path / "t.csv")
    record.write_text(json.dumps({"zeros": {"dropped": half, "kept": 4}}))
    message = rf"says that {half + 4} weights are zero, but {half + 5} are"
    with pytest.raises(InputError, match=message):
        verify(monkeypatch, folder, tmp_path / "t.csv")
    record.write_text("{}")
    with pytest.raises(InputError, match=r"pruning\.json: is not the record of an export"):
        verify(monkeypatch, folder, tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--text", "en=t.jsonl"], r"--length: is needed with text"),
        (["--text", "t.jsonl", "--length", 8], r"--text t\.jsonl: LANGUAGE=FILE is expected"),
        (["--languages", '{"en": "x"}', "--length", 8], r"--languages: needs --corpora"),
        (["--patterns", "4:2"], r"--patterns: found '4:2', allowed are unstructured and"),
        (["--patterns", "unstructured"], r"--patterns: found 'unstructured'"),
        (["--text", "en=t.jsonl", "--length", 999], r"windows of 999 tokens are longer"),
        (["--text", "en=t.jsonl", "--length", -1], r"--length: found -1, at least 1 is needed"),
        (["--text", "en=t.jsonl", "--length", 0], r"--length: found 0, at least 1 is needed"),
        (["--text", "en=t.jsonl", "--length", 8, "--tokens", 0], r"--tokens: found 0, at least 1"),
        (["--batch-tokens", -5], r"--batch-tokens: found -5, at least 1 is needed"),
        (["--model", "gone"], r"^gone/config\.json: no such file; a Hugging Face model folder"),
        (["--threads", 0], r"--threads: found 0, at least 1 is needed"),
        (["--text", "=t.jsonl", "--length", 8], r"--text =t\.jsonl: LANGUAGE=FILE is expected"),
        (["--text", "e=t.jsonl", "e=t.jsonl", "--length", 8], r"found e, e, each at most once"),
        (
            ["--languages", '["en"]'],
            r'--languages: found \["en"\], a JSON object of language and',
        ),
        (["--languages", '{"en": 3}'], r"--languages: found .*, a JSON object of language and"),
        (["--languages", "en"], r"--languages: found en, a JSON object of language and corpus"),
    ],
)
def test_mistakes_on_the_command_line_are_one_line(
    arguments, message, llama, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    own_text(tmp_path / "t.jsonl", "text")
    with pytest.raises(InputError, match=message) as error:
        verify(monkeypatch, llama, tmp_path / "out.csv", *arguments)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.csv").exists()


def test_another_precision_is_refused(llama, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        verify(monkeypatch, llama, tmp_path / "out.csv", "--dtype", "float3")
    assert "--dtype: invalid choice: 'float3'" in capsys.readouterr().err


def copied(llama: Path, folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_bytes((llama / "config.json").read_bytes())
    return folder


def pickled(folder: Path, weights: bytes) -> str:
    (folder / "pytorch_model.bin").write_bytes(weights)
    return f"{folder}: has no .safetensors file (pickled weights are not read)"


def cut_off(folder: Path, weights: bytes) -> str:
    (folder / "model.safetensors").write_bytes(weights[:-100])
    return f"{folder}/model.safetensors: is not a safetensors file"


def incomplete(folder: Path, weights: bytes) -> str:
    (folder / "model-1.safetensors").write_bytes(weights)
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return f"{folder}/model-2.safetensors: no such file; complete the model"


@pytest.mark.parametrize("spoil", [pickled, cut_off, incomplete])
def test_folders_without_sound_weights_are_one_line_and_stay(spoil, llama, tmp_path, monkeypatch):
    folder = copied(llama, tmp_path / "folder")
    expected = spoil(folder, (llama / "model.safetensors").read_bytes())
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(InputError) as error:
        verify(monkeypatch, folder, tmp_path / "out.csv")
    assert str(error.value).startswith(expected)
    assert "\n" not in str(error.value)
    assert sorted(path.name for path in folder.iterdir()) == before


def add_shards(dense: Path) -> set[str]:
    """Other weights of the same names in two shards with an index, beside what is there."""
    tensors = {n: t + 1 for n, t in load_file(dense / WHOLE).items()}
    shards = {name: f"model-{1 + i % 2}.safetensors" for i, name in enumerate(tensors)}
    for shard in set(shards.values()):
        part = {name: t for name, t in tensors.items() if shards[name] == shard}
        save_file(part, dense / shard, {"format": "pt"})
    (dense / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": shards}))
    return {*shards.values(), INDEX}


def mask_of(dense: Path, path: Path) -> Path:
    """A mask that drops the first quarter of the inputs of every matrix."""
    shapes = {weight.name: weight.stored_shape for weight in ModelWeights(dense).linear}
    keep = {name: torch.arange(n).expand(m, n) >= n // 4 for name, (m, n) in shapes.items()}
    notes = {"method": "x", "requested_sparsity": "0.25", "achieved_sparsity": "0.25"}
    notes |= {"options": {}, "blocks": [], "versions": {}, "shapes": shapes}
    notes |= {"inputs": {"model": checked_fingerprint(dense)}}
    write_mask(path, {name: pack(kept) for name, kept in keep.items()}, notes)
    return path


@pytest.mark.parametrize("whole", [True, False])
def test_an_export_of_weights_in_two_copies_holds_one_and_verifies(whole, tmp_path, monkeypatch):
    dense, out = write_llama(tmp_path / "llama"), tmp_path / "out"
    shards = add_shards(dense)
    if not whole:
        (dense / WHOLE).unlink()
    second = {"model.layers.0.mlp.up_proj.weight": torch.zeros(48, 32)}
    for name in ("consolidated.safetensors", "adapter_model.safetensors"):
        save_file(second, dense / name)
    write_manifest(dense, {"kind": "local"})
    mask = mask_of(dense, tmp_path / "mask")
    arguments = ["export_model.py", "--model", dense, "--mask", mask, "--output", out]
    monkeypatch.setattr(sys, "argv", list(map(str, arguments)))
    export_model.main()
    found = {path.name for path in out.iterdir() if "safetensors" in path.name}
    assert found == ({WHOLE} if whole else shards)
    table = verify(monkeypatch, out, tmp_path / "t.csv", "--patterns")
    size = 2 * (3 * 48 * 32 + 2 * 32 * 32 + 2 * 16 * 32)
    assert (table[0]["weights"], table[0]["zeros"]) == (str(size), str(size // 4))
    ids = torch.arange(2, 26)[None]
    with torch.inference_mode():
        assert torch.equal(
            load_model(out)(ids).logits, load_pruned(dense, pruning=mask)(ids).logits
        )


@pytest.mark.parametrize("name", ["consolidated.safetensors", "adapter_model.safetensors"])
def test_other_weights_in_a_folder_are_not_looked_at(name, llama, tmp_path, monkeypatch):
    folder = copied(llama, tmp_path / "folder")
    (folder / "model.safetensors").write_bytes((llama / "model.safetensors").read_bytes())
    expected = verify(monkeypatch, folder, tmp_path / "alone.csv")
    (folder / name).write_bytes(b"no safetensors file")
    assert verify(monkeypatch, folder, tmp_path / "both.csv") == expected
    assert (folder / name).is_file()


def test_text_and_patterns_may_be_given_again(llama, tmp_path, monkeypatch):
    text = own_text(tmp_path / "x.jsonl", "all human beings")
    both = ("--text", f"en={text}", "--text", f"sw={text}", "--length", 8)
    table = verify(
        monkeypatch, llama, tmp_path / "t.csv", *both, "--patterns", "1:4", "--patterns", "3:4"
    )
    assert [row["name"] for row in table[-2:]] == ["en", "sw"]
    assert (table[0]["1:4"], table[0]["3:4"], "2:4" in table[0]) == ("yes", "no", False)


def test_plain_text_is_scored_as_the_workflow_scores_it(llama, tmp_path, monkeypatch):
    """Its paragraphs, parted either way, are those of the rows that fetching makes of them."""
    paragraphs = ["all human beings", "are born free"]
    rows = own_text(tmp_path / "en.jsonl", *paragraphs)
    blank, lines = tmp_path / "blank.txt", tmp_path / "lines.txt"
    blank.write_text("all human\nbeings\n\n are born  free\n")
    lines.write_text("all human beings\n\nare born free\n")
    found = []
    for path, *more in ((rows,), (blank,), (lines, "--paragraphs", "lines")):
        table = verify(
            monkeypatch, llama, tmp_path / "t.csv", "--text", f"en={path}", "--length", 8, *more
        )
        found.append(table[-1])
    assert found[0] == found[1] == found[2]
    assert float(found[0]["perplexity"]) > 1


BROKEN = ["{", '{"id": 1}', "[1]", "3", '{"text": 3}', '{"text": null}', r'{"text": "\ud800"}']


@pytest.mark.parametrize("line", BROKEN)
def test_a_users_own_broken_text_is_one_line_and_stays(line, llama, tmp_path, monkeypatch):
    text = own_text(tmp_path / "t.jsonl", "good")
    text.write_text(text.read_text() + line + "\n")
    with pytest.raises(InputError, match=r't\.jsonl: line 2 is not a JSON object with a "text"'):
        verify(monkeypatch, llama, tmp_path / "o", "--text", f"en={text}", "--length", 8)
    assert text.is_file()
