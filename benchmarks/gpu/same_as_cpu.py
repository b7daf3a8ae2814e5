"""Checks at small sizes: does CUDA give what the CPU gives, and the same bits twice?"""

import numpy as np
import torch
from gpu.rows import relative
from tiny_architectures import ARCHITECTURES, write_model

from multiprune.calibration.windows import Windows
from multiprune.evaluation.output_head import check_logits
from multiprune.evaluation.perplexity import Window, window_losses
from multiprune.models import loading as models
from multiprune.models.architectures import architecture_of
from multiprune.models.weights import ModelWeights
from multiprune.pruning.files import read_mask
from multiprune.pruning.masks import apply_packed, pack, unpack
from multiprune.pruning.moved_weights import read_weights
from multiprune.pruning.patterns import keep_in_scope
from multiprune.pruning.sequential.passes import BlockPasses
from multiprune.pruning.sequential.propagation import Progress, allocate, prune_sequentially
from multiprune.pruning.sequential.pruners import block_pruner
from multiprune.statistics.passes import collect


def draw(samples, length, seed=0):
    ids = np.random.default_rng(seed).integers(2, 256, (samples, length)).astype(np.int32)
    lengths = np.random.default_rng(seed + 1).integers(length // 2, length + 1, samples)
    return ids, lengths


COUNTS = {"active": 1.0, "active@0.5": 0.5}


def sums_of(model, folder, lengths=None, ids=None):
    windows = Windows.full(ids) if lengths is None else Windows(ids, lengths)
    found = collect(model, windows, architecture_of(folder), 256, COUNTS)
    return {f"{i.name}.{k}": v for i, total in found.items() for k, v in total.arrays().items()}


def small_models(bench, folder):
    names = ["llama", "bloom"] if bench.tiny else list(ARCHITECTURES)
    for name in names:
        for dtype in (torch.float32, torch.bfloat16):
            path = write_model(name, folder / f"{name}-{dtype}".replace("torch.", ""), dtype)
            yield name, dtype, path


def check_small(bench, folder):
    """Statistics, perplexity, masks laid on a model: every architecture, float32 and bfloat16."""
    ids, lengths = draw(9, 64)
    for name, dtype, path in small_models(bench, folder):
        exact = dtype == torch.float32
        kind = f"{name} {str(dtype)[6:]}"
        on_cpu = models.load_model(path, "auto", on_host=True)
        on_gpu = models.load_model(path, "auto", on_host=True).to(bench.device)
        for what, count in (("", None), (" padded", lengths)):
            cpu, gpu = sums_of(on_cpu, path, count, ids), sums_of(on_gpu, path, count, ids)
            again = sums_of(on_gpu, path, count, ids)
            worst = max(relative(gpu[k], cpu[k]) for k in cpu if k.endswith("sum_sq"))
            bench.row(
                f"statistics {kind}{what}",
                f"{worst:.1e}",
                "<= 1e-5 / 2e-2",
                worst <= (1e-5 if exact else 2e-2),
            )
            active = max(relative(gpu[k], cpu[k]) for k in cpu if "active" in k)
            bench.row(
                f"active counts {kind}{what}",
                f"{active:.1e}",
                "<= 1e-3 / 2e-2",
                active <= (1e-3 if exact else 2e-2),
            )
            same = all(np.array_equal(gpu[k], again[k]) for k in gpu)
            bench.row(f"statistics twice, same bits {kind}{what}", same, "", same)
        text = [Window(w, np.roll(w, -1)) for w in ids]
        try:
            check_logits(on_gpu)
        except Exception as error:  # one model must not end the run
            bench.row(f"check_logits {kind}", str(error)[:100], "", False)
        cpu, gpu = window_losses(on_cpu, text, 256), window_losses(on_gpu, text, 256)
        alone = window_losses(on_gpu, text, 64)
        bench.row(
            f"perplexity {kind}",
            f"{relative(gpu, cpu):.1e}",
            "<= 1e-5 / 1e-2",
            relative(gpu, cpu) <= (1e-5 if exact else 1e-2),
        )
        bench.row(f"perplexity, batch of 1 against 4 {kind}", f"{relative(alone, gpu):.1e}")
        same = window_losses(on_gpu, text, 256) == gpu
        bench.row(f"perplexity twice, same bits {kind}", same, "", same)
        lay_masks(bench, on_cpu, on_gpu, kind)


def lay_masks(bench, on_cpu, on_gpu, kind):
    """The same packed masks on both devices leave the same bits, also of infinity and NaN."""
    generator = torch.Generator().manual_seed(1)
    masks = []
    for name, parameter in on_cpu.named_parameters():
        if parameter.dim() == 2 and "norm" not in name:
            keep = torch.rand(parameter.shape, generator=generator) > 0.5
            masks.append((name, pack(keep), tuple(parameter.shape)))
    for model in (on_cpu, on_gpu):
        with torch.no_grad():
            first = dict(model.named_parameters())[masks[0][0]]
            first[0, :3] = torch.tensor([float("inf"), float("nan"), -0.0], dtype=first.dtype)
        apply_packed(model, masks, "check")
    bits = {2: torch.int16, 4: torch.int32}
    same = all(
        torch.equal(
            a.data.cpu().contiguous().view(bits[a.element_size()]),
            b.data.contiguous().view(bits[b.element_size()]),
        )
        for a, b in (
            (dict(on_gpu.named_parameters())[n], dict(on_cpu.named_parameters())[n])
            for n, *_ in masks
        )
    )
    bench.row(f"masks laid on {kind}, same bits", same, "", same)


def check_selection(bench, _folder):
    """Selection on the device equals that on the CPU, with many ties."""
    generator = torch.Generator().manual_seed(0)
    shape = (64, 96) if bench.tiny else (512, 4096)
    for label, scores in (
        ("distinct", torch.rand(shape, generator=generator)),
        ("many ties", torch.randint(0, 5, shape, generator=generator).float()),
        ("bfloat16", torch.rand(shape, generator=generator).bfloat16()),
    ):
        for scope, size, sparsity in (
            ("row", None, 0.37),
            ("layer", None, 0.6),
            ("row", 4, 0.5),
            ("row", 8, 0.5),
        ):
            a = keep_in_scope(scores, sparsity, scope, size)
            b = keep_in_scope(scores.to(bench.device), sparsity, scope, size).cpu()
            same = torch.equal(a, b)
            bench.row(f"selection {label}, {scope}, {size or 'unstructured'}", same, "", same)


WANDA = {
    "score": "wanda",
    "norm": {"kind": "pooled"},
    "scope": "row",
    "allocation": {"kind": "uniform"},
    "propagation": "sequential",
}
GPT = {
    "score": "sparsegpt",
    "block_size": 12,
    "damping": 0.02,
    "pattern": "unstructured",
    "allocation": {"kind": "uniform"},
    "propagation": "sequential",
}


def pruned_by(path, method, device, memory, folder):
    weights = ModelWeights(path)
    passes = BlockPasses(
        models.load_model(path, "auto", on_host=True), weights.architecture, device, memory
    )
    for name, seed in (("a", 0), ("b", 7)):
        ids, lengths = draw(6, 48, seed)
        passes.enter(name, Windows(ids, lengths), 128)
    pruner = block_pruner(weights, method, 1.0)
    progress = Progress(folder, "key", pruner)
    found = {}
    for report, _ in prune_sequentially(
        passes, weights, pruner, allocate(weights, method, 0.5, None, None), progress
    ):
        block = progress.path(report.block)
        if method is WANDA:
            found |= {
                n: unpack(packed, shape).astype(bool) for n, packed, shape in read_mask(block)
            }
        else:
            found |= {n: w.float().numpy() for n, w in read_weights(block)}
    return found


def check_sequential(bench, folder):
    """Sequential Wanda and SparseGPT: CUDA against the CPU, hidden states on device or host."""
    for name in ("llama",) if bench.tiny else ("llama", "bloom", "gpt2", "xglm", "cohere"):
        path = write_model(name, folder / f"sequential-{name}")
        for label, method in (("wanda", WANDA), ("sparsegpt", GPT)):
            cpu, gpu, host = (
                pruned_by(
                    path, method, device, memory, folder / f"{name}-{label}-{device.type}-{memory}"
                )
                for device, memory in (
                    (torch.device("cpu"), 0),
                    (bench.device, 1e9),
                    (bench.device, 0),
                )
            )
            total = sum(a.size for a in cpu.values())
            agree = sum(int(((cpu[n] != 0) == (gpu[n] != 0)).sum()) for n in cpu) / total
            bench.row(
                f"sequential {label} {name}, same choice",
                f"{agree:.5f}",
                ">= 0.999",
                agree >= 0.999,
            )
            same = all(np.array_equal(gpu[n], host[n]) for n in gpu)
            bench.row(
                f"sequential {label} {name}, states on device or host, same bits", same, "", same
            )
            if label == "sparsegpt":
                far = max(relative(gpu[n], cpu[n]) for n in cpu)
                bench.row(
                    f"sequential {label} {name}, weights", f"{far:.1e}", "<= 2e-2", far <= 2e-2
                )
