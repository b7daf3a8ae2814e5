"""Exported folders: bytes, logits in a clean process, and what is refused."""

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from patience import patience
from safetensors.torch import load_file, save_file
from tiny import write_llama
from tiny_architectures import ARCHITECTURES, publish_bare, write_model

import export_model
from multiprune.errors import InputError
from multiprune.export import checkpoint as export
from multiprune.export.checkpoint import PrunedCheckpoint, Zeros
from multiprune.export.sparsity_report import matrices
from multiprune.files.json import write_json
from multiprune.files.manifests import checked_fingerprint, read_manifest, write_manifest
from multiprune.models.loading import load_model
from multiprune.models.weights import ModelWeights
from multiprune.pruning.files import mask_hash, read_mask
from multiprune.pruning.loading import load_pruned
from multiprune.pruning.masks import pack, unpack, write_mask
from multiprune.pruning.moved_weights import apply_pruning, write_weights

NOTES = {
    "method": "wanda",
    "options": {"score": "wanda", "pattern": "unstructured"},
    "requested_sparsity": "0.4",
    "achieved_sparsity": "0.4",
    "blocks": [{"block": 0, "parameters": 10, "sparsity": 0.4}],
    "versions": {"torch": "2"},
}
IDS = torch.randint(2, 258, (2, 24), generator=torch.Generator().manual_seed(1))
SETTINGS = {
    **{name: {} for name in ARCHITECTURES},
    "mistral-shards": {"dtype": torch.bfloat16, "max_shard_size": "20KB"},
    "gpt2-half": {"dtype": torch.float16},
}
# What a user does: transformers alone, nothing of this project on the path.
LOADING = """
import sys
import torch
from safetensors.torch import load_file, save_file
import transformers

torch.set_num_threads(1)
folder, target = sys.argv[1:]
ids = load_file(f"{folder}/ids")["ids"]
logits = {}
for line in open(f"{folder}/names"):
    name, auto_class = line.split()
    load = getattr(transformers, auto_class).from_pretrained
    model = load(f"{folder}/{name}/export", dtype="auto").eval()
    transformers.AutoTokenizer.from_pretrained(f"{folder}/{name}/export")
    with torch.inference_mode():
        logits[name] = model(ids).logits.contiguous()
save_file(logits, target)
"""


def described(folder: Path) -> Path:
    write_manifest(folder, {"kind": "local", "folder": "somewhere"})
    return folder


def random_mask(path: Path, folder: Path, seed: int = 0, **notes) -> Path:
    """A mask that drops 0 to 60% of each matrix, no two rows alike."""
    generator = torch.Generator().manual_seed(seed)
    packed, shapes = {}, {}
    for number, weight in enumerate(ModelWeights(folder).linear):
        drawn = torch.rand(weight.stored_shape, generator=generator)
        packed[weight.name] = pack(drawn >= 0.6 * number / 28)
        shapes[weight.name] = weight.stored_shape
    inputs = {"model": checked_fingerprint(folder)}
    write_mask(path, packed, {**NOTES, "shapes": shapes, "inputs": inputs, **notes})
    return path


def exported(folder: Path, mask: Path, target: Path) -> Zeros:
    target.mkdir(parents=True)
    names = list(read_manifest(folder / "manifest.json")["files"])
    return PrunedCheckpoint(folder, names, mask).write(target)


def run_script(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["export_model.py", *map(str, arguments)])
    export_model.main()


@pytest.fixture(scope="module")
def exports(tmp_path_factory) -> Path:
    """Per architecture a folder with the dense model, a mask and the export."""
    root = tmp_path_factory.mktemp("exports")
    for name, options in SETTINGS.items():
        model = name.split("-")[0]
        dense = write_model(model, root / name / "dense", **options)
        if ARCHITECTURES[model].published_bare and name == model:
            publish_bare(dense)
        mask = random_mask(root / name / "mask", described(dense))
        exported(dense, mask, root / name / "export")
    return root


@pytest.fixture(scope="module")
def clean_logits(exports) -> dict[str, torch.Tensor]:
    """Logits of every export, computed by a process that has never seen a mask."""
    classes = {name: ARCHITECTURES[name.split("-")[0]].auto_class for name in SETTINGS}
    (exports / "names").write_text("".join(f"{name} {c}\n" for name, c in classes.items()))
    save_file({"ids": IDS}, exports / "ids")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", LOADING, exports, exports / "logits"]
    subprocess.run(command, cwd=exports, env=environment, check=True, timeout=patience(360))
    return load_file(exports / "logits")


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_a_clean_process_computes_the_masked_models_logits(name, exports, clean_logits):
    torch.set_num_threads(1)
    with torch.inference_mode():
        masked = load_pruned(exports / name / "dense", pruning=exports / name / "mask")(IDS).logits
        dense = load_model(exports / name / "dense")(IDS).logits
    assert clean_logits[name].dtype == masked.dtype
    assert torch.equal(clean_logits[name], masked)
    assert not torch.allclose(masked, dense, atol=1e-2)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_tensor_outside_the_mask_keeps_its_bytes(name, exports):
    dense, target = exports / name / "dense", exports / name / "export"
    architecture = ModelWeights(dense).architecture
    masks = {n: unpack(packed, shape) for n, packed, shape in read_mask(exports / name / "mask")}
    shards = sorted(path.name for path in dense.glob("*.safetensors"))
    assert (len(shards) > 3) == (name == "mistral-shards")
    for shard in shards:
        before, after = load_file(dense / shard), load_file(target / shard)
        assert list(after) == list(before)
        for stored, tensor in before.items():
            keep = masks.pop(architecture.state_name(stored), None)
            if keep is not None:
                tensor = tensor.masked_fill(torch.from_numpy(keep == 0), 0)
            assert after[stored].dtype == tensor.dtype
            found, expected = (t.reshape(-1).view(torch.uint8) for t in (after[stored], tensor))
            assert torch.equal(found, expected)
    assert not masks
    unlike = {"manifest.json", ".verified.json", *shards}
    others = {path.name for path in dense.iterdir()} - unlike
    assert {"config.json", "tokenizer.json"} <= others
    assert all((target / n).read_bytes() == (dense / n).read_bytes() for n in others)


@pytest.mark.parametrize("name", SETTINGS)
def test_sparsity_found_in_the_export_is_the_masks(name, exports):
    architecture = ModelWeights(exports / name / "dense").architecture
    expected, sizes = {}, {}
    for weight, packed, shape in read_mask(exports / name / "mask"):
        block = architecture.block_index(weight)
        dropped = unpack(packed, shape) == 0
        expected[block] = expected.get(block, 0) + int(dropped.sum())
        sizes[block] = sizes.get(block, 0) + dropped.size
    found = matrices(exports / name / "export")
    for block, zeros in expected.items():
        here = [matrix.sparsity for matrix in found if matrix.block == block]
        assert sum(sparsity.zeros for sparsity in here) == zeros
        assert sum(sparsity.weights for sparsity in here) == sizes[block]
    assert 0 < expected[0] < expected[1] < sizes[1]


NAME = "model.layers.0.mlp.up_proj.weight"


def small(folder: Path, values: torch.Tensor, keep: torch.Tensor) -> tuple[Path, Path]:
    """A folder of one matrix, after a tensor that no mask touches, and its mask."""
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    save_file(
        {"a": torch.arange(3.0), NAME: values, "z": torch.ones(2)}, folder / "model.safetensors"
    )
    inputs = {"model": checked_fingerprint(described(folder))}
    notes = {**NOTES, "inputs": inputs, "shapes": {NAME: tuple(keep.shape)}}
    write_mask(folder.with_suffix(".mask"), {NAME: pack(keep)}, notes)
    return folder, folder.with_suffix(".mask")


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_zeros_are_counted_by_their_cause(dtype, tmp_path):
    values = torch.tensor([[1.0, -0.0, -3.0], [0.0, torch.inf, 0.0]], dtype=dtype)
    keep = torch.tensor([[True, True, False], [True, False, False]])
    dense, mask = small(tmp_path / "dense", values, keep)
    # Dropped: -3, infinity and a zero; kept although zero: -0 and 0.
    assert exported(dense, mask, tmp_path / "out") == Zeros(dropped=3, kept=2)
    after = load_file(tmp_path / "out" / "model.safetensors")[NAME]
    assert after.tolist() == [[1, 0, 0], [0, 0, 0]]
    assert after.signbit().tolist() == [[False, True, False], [False, False, False]]


def test_reading_in_parts_changes_nothing(tmp_path, monkeypatch):
    values, keep = torch.randn(37, 13), torch.rand(37, 13) > 0.5
    dense, mask = small(tmp_path / "dense", values, keep)
    whole = exported(dense, mask, tmp_path / "whole")
    monkeypatch.setattr(export, "PART_BYTES", 4 * 13 * 5 + 3)  # five rows at a time
    assert exported(dense, mask, tmp_path / "parts") == whole
    parts, in_one = (tmp_path / n / "model.safetensors" for n in ("parts", "whole"))
    assert parts.read_bytes() == in_one.read_bytes()


def test_a_large_matrix_is_never_in_memory_as_a_whole(tmp_path, monkeypatch):
    values = torch.ones(4096, 1024)  # 16 MiB
    dense, mask = small(tmp_path / "dense", values, values > 0)
    monkeypatch.setattr(export, "PART_BYTES", 2**20)
    tracemalloc.start()
    exported(dense, mask, tmp_path / "out")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * 2**20


@pytest.mark.parametrize("name", ["qwen2", "gpt2", "bloom"])
def test_weights_that_moved_are_written_whole(name, exports, tmp_path):
    dense = exports / name / "dense"
    generator = torch.Generator().manual_seed(3)
    moved = {}
    for weight in ModelWeights(dense).linear:
        values = torch.randn(weight.stored_shape, generator=generator)
        dropped = torch.rand(values.shape, generator=generator) < 0.5
        moved[weight.name] = values.masked_fill(dropped, 0)
    inputs = {"model": checked_fingerprint(dense)}
    write_weights(tmp_path / "moved", moved, {**NOTES, "inputs": inputs})
    zeros = exported(dense, tmp_path / "moved", tmp_path / "out")
    assert zeros == Zeros(dropped=sum(int((w == 0).sum()) for w in moved.values()))
    model = load_model(dense)
    apply_pruning(model, tmp_path / "moved")
    with torch.inference_mode():
        assert torch.equal(load_model(tmp_path / "out")(IDS).logits, model(IDS).logits)


def test_moved_weights_take_the_precision_of_the_checkpoint(exports, tmp_path):
    dense = exports / "mistral-shards" / "dense"  # bfloat16
    moved = {w.name: torch.full(w.stored_shape, 1.001) for w in ModelWeights(dense).linear}
    inputs = {"model": checked_fingerprint(dense)}
    write_weights(tmp_path / "moved", moved, {**NOTES, "inputs": inputs})
    exported(dense, tmp_path / "moved", tmp_path / "out")
    for weight in ModelWeights(tmp_path / "out").linear:
        assert ModelWeights(tmp_path / "out").read(weight).dtype == torch.bfloat16
        assert (ModelWeights(tmp_path / "out").read(weight) == 1).all()


def records(folder: Path, model: str, mask: str | None, **perplexities: float) -> Path:
    for language, perplexity in perplexities.items():
        origin = {"model": model, "mask": mask, "tokens": f"{language} tokens", "code": "c0de"}
        origin |= {"device": "cpu", "versions": {"torch": "2"}}
        record = {"perplexity": perplexity, "length": 16, "tokens": 99, "split": "test"}
        write_json(folder / f"{language}.json", {**record, "corpus": "words", "provenance": origin})
    return folder


@pytest.fixture
def llama(tmp_path) -> tuple[Path, Path]:
    dense = described(write_llama(tmp_path / "llama"))
    return dense, random_mask(tmp_path / "mask", dense)


def test_the_script_writes_a_described_folder_twice_the_same(llama, tmp_path, monkeypatch):
    dense, mask = llama
    model, digest = checked_fingerprint(dense), mask_hash(mask)
    languages = json.dumps({"de": "German", "en": "English"})
    arguments = ["--model", dense, "--mask", mask, "--seed", 3, "--languages", languages]
    arguments += ["--perplexity", records(tmp_path / "p", model, digest, de=6.0, en=5.0)]
    arguments += ["--dense-perplexity", records(tmp_path / "d", model, None, de=4.0, en=2.0)]
    contents = []
    for _ in range(2):
        run_script(monkeypatch, *arguments, "--output", tmp_path / "out")
        contents.append({path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()})
    assert contents[0] == contents[1]
    record = json.loads(contents[0]["pruning.json"])
    assert {c: row["ratio"] for c, row in record["perplexity"].items()} == {"de": 1.5, "en": 2.5}
    assert (record["seed"], record["mask"], record["base"]["fingerprint"]) == (3, digest, model)
    assert record["sparsity"] == {"requested": 0.4, "achieved": 0.4}
    manifest = read_manifest(tmp_path / "out" / "manifest.json")
    assert manifest["definition"] == {"kind": "export", "model": model, "mask": digest}
    assert set(manifest["files"]) == set(contents[0]) - {"manifest.json"}
    assert "| German (de) | no | 99 | 4.00 | 6.00 | 1.500 |" in contents[0]["README.md"].decode()


def test_snakemake_writes_over_an_export_by_removing_its_manifest(llama, tmp_path, monkeypatch):
    dense, mask = llama
    run_script(monkeypatch, "--model", dense, "--mask", mask, "--output", tmp_path / "out")
    (tmp_path / "out" / "manifest.json").unlink()
    other = random_mask(tmp_path / "other", dense, seed=1)
    run_script(monkeypatch, "--model", dense, "--mask", other, "--output", tmp_path / "out")
    definition = read_manifest(tmp_path / "out" / "manifest.json")["definition"]
    assert definition["mask"] == mask_hash(other) != mask_hash(mask)


def refused(monkeypatch, *arguments: object) -> str:
    with pytest.raises(InputError) as error:
        run_script(monkeypatch, *arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_stands_at_the_output_is_not_overwritten(llama, tmp_path, monkeypatch):
    dense, mask = llama
    out = tmp_path / "out"
    arguments = ["--model", dense, "--output", out, "--mask"]
    run_script(monkeypatch, *arguments, mask)
    before = (out / "model.safetensors").read_bytes()
    other = random_mask(tmp_path / "other", dense, seed=1)
    assert refused(monkeypatch, *arguments, other) == (
        f"{out}: holds the export of another model or mask; remove it or give another folder"
    )
    assert (out / "model.safetensors").read_bytes() == before
    for folder in (dense, tmp_path):
        message = refused(monkeypatch, "--model", dense, "--mask", mask, "--output", folder)
        assert message == f"{folder}: holds files that no export wrote; give another folder"
    assert refused(monkeypatch, "--model", dense, "--mask", mask, "--output", mask) == (
        f"{mask}: is a file; give a folder that does not exist"
    )
    assert (dense / "manifest.json").is_file()


def without_weights(dense: Path, mask: Path) -> str:
    (dense / "model.safetensors").rename(dense / "model.bin")
    write_manifest(dense, {"kind": "local"})
    random_inputs(mask, dense)
    return f"{dense}: has no .safetensors file (pickled weights are not read)"


def random_inputs(mask: Path, dense: Path) -> None:
    """Write the mask again as one made for `dense` as it is now."""
    packed = {name: array for name, array, _shape in read_mask(mask)}
    shapes = {name: shape for name, _array, shape in read_mask(mask)}
    inputs = {"model": checked_fingerprint(dense)}
    write_mask(mask, packed, {**NOTES, "shapes": shapes, "inputs": inputs})


def another_model(dense: Path, mask: Path) -> str:
    write_llama(dense, seed=1)
    described(dense)
    return f"{mask}: was made for another model or revision; remove it"


def another_shape(dense: Path, mask: Path) -> str:
    write_llama(dense, intermediate_size=40)
    random_inputs(mask, described(dense))
    return f"{mask}: model.layers.0.mlp.down_proj.weight is 32x48, but 32x40 in {dense}"


def fewer_blocks(dense: Path, mask: Path) -> str:
    write_llama(dense, num_hidden_layers=1)
    random_inputs(mask, described(dense))
    return f"{mask}: has model.layers.1.mlp.down_proj.weight, which {dense} lacks"


def no_mask(dense: Path, mask: Path) -> str:
    inputs = {"model": checked_fingerprint(dense)}
    write_mask(mask, {"x": np.zeros((1, 1), np.uint8)}, {"shapes": {"x": (1, 1)}, "inputs": inputs})
    return f"{mask}: is not a mask, its metadata has no achieved_sparsity"


UNLISTED = "manifest.json does not list model.safetensors, which holds weights"


def unlisted(dense: Path, mask: Path) -> str:
    found = write_llama(dense.with_name("listed")) / "model.safetensors"
    (dense / "model.safetensors").unlink()
    random_inputs(mask, described(dense))
    found.rename(dense / "model.safetensors")
    return f"{dense}: {UNLISTED}; fetch the model again"


@pytest.mark.parametrize(
    "spoil", [without_weights, another_model, another_shape, fewer_blocks, no_mask, unlisted]
)
def test_what_does_not_belong_together_is_one_line(spoil, llama, tmp_path, monkeypatch):
    dense, mask = llama
    expected = spoil(dense, mask)
    before = sorted(tmp_path.iterdir())
    found = refused(monkeypatch, "--model", dense, "--mask", mask, "--output", tmp_path / "out")
    assert found == expected
    assert sorted(tmp_path.iterdir()) == before


WRONG = [(text, f"found {text}, a JSON object of code and") for text in ('["e"]', '{"e": 3}', "e")]


@pytest.mark.parametrize(("languages", "message"), [('{"e": "e"}', "needs --perplexity"), *WRONG])
def test_languages_are_names_by_code_with_records(languages, message, llama, monkeypatch):
    dense, mask = llama
    arguments = ["--model", dense, "--mask", mask, "--output", "x", "--languages", languages]
    assert refused(monkeypatch, *arguments).startswith(f"--languages: {message}")
