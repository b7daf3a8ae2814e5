"""One prepared check on a GPU: does CUDA give what the CPU gives, and how fast is it at 8B shapes?

    python benchmarks/gpu_check.py --out gpu.json           # two minutes on one H100
    python benchmarks/gpu_check.py --out gpu.json --tiny    # plumbing only, on a CPU: 15 seconds

Needs torch, transformers, safetensors, accelerate; no network, no model files: everything is
random. Its figures stand in docs/speed.md.
"""

# ruff: noqa: E402 (the library is found through sys.path)

import argparse
import gc
import json
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--out", type=Path, required=True)
parser.add_argument("--tiny", action="store_true")
parser.add_argument("--only", nargs="*", help="names of checks")
OPTIONS = parser.parse_args()
ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

import numpy as np
import torch
import transformers
from tiny_architectures import ARCHITECTURES, write_model
from torch.nn.functional import cross_entropy

from multiprune.calibration.windows import Windows
from multiprune.evaluation.output_head import check_logits, logits
from multiprune.evaluation.perplexity import Window, window_losses
from multiprune.models import loading as models
from multiprune.models.architectures import architecture_of
from multiprune.models.weights import ModelWeights
from multiprune.pruning.files import read_mask
from multiprune.pruning.masks import _drop, apply_packed, pack, unpack
from multiprune.pruning.moved_weights import read_weights
from multiprune.pruning.patterns import keep_in_scope
from multiprune.pruning.scores import wanda
from multiprune.pruning.sequential import sparsegpt
from multiprune.pruning.sequential.hessian import InputHessian
from multiprune.pruning.sequential.passes import BlockPasses
from multiprune.pruning.sequential.propagation import Progress, allocate, prune_sequentially
from multiprune.pruning.sequential.pruners import block_pruner
from multiprune.statistics.passes import collect

TINY = OPTIONS.tiny
DEVICE = models.set_up(1 if TINY else 8)  # deterministic kernels, as jobs have them
CUDA = DEVICE.type == "cuda"
ROWS: list[dict] = []
BEGAN = time.time()


def row(name, value, bar="", passed=None):
    ROWS.append({"name": name, "value": value, "bar": bar, "passed": passed})
    mark = {True: "ok  ", False: "FAIL", None: "    "}[passed]
    print(f"{time.time() - BEGAN:6.0f} s {mark} {name}: {value} {bar}", flush=True)
    OPTIONS.out.write_text(json.dumps(ROWS, indent=1))


def timed(function, repeats=3):
    """Median seconds and peak GiB; the first call warms up."""
    function()
    if CUDA:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        if CUDA:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    peak = torch.cuda.max_memory_allocated() / 2**30 if CUDA else 0.0
    return sorted(seconds)[len(seconds) // 2], peak


def free():
    gc.collect()
    if CUDA:
        torch.cuda.empty_cache()


def relative(found, expected):
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    return float(np.linalg.norm(found - expected) / max(np.linalg.norm(expected), 1e-30))


# ------------------------------------------------------- CUDA against the CPU


def draw(samples, length, seed=0):
    ids = np.random.default_rng(seed).integers(2, 256, (samples, length)).astype(np.int32)
    lengths = np.random.default_rng(seed + 1).integers(length // 2, length + 1, samples)
    return ids, lengths


COUNTS = {"active": 1.0, "active@0.5": 0.5}


def sums_of(model, folder, lengths=None, ids=None):
    windows = Windows.full(ids) if lengths is None else Windows(ids, lengths)
    found = collect(model, windows, architecture_of(folder), 256, COUNTS)
    return {f"{i.name}.{k}": v for i, total in found.items() for k, v in total.arrays().items()}


def small_models(folder):
    names = ["llama", "bloom"] if TINY else list(ARCHITECTURES)
    for name in names:
        for dtype in (torch.float32, torch.bfloat16):
            path = write_model(name, folder / f"{name}-{dtype}".replace("torch.", ""), dtype)
            yield name, dtype, path


def check_small(folder):
    """Statistics, perplexity, masks laid on a model: every architecture, float32 and bfloat16."""
    ids, lengths = draw(9, 64)
    for name, dtype, path in small_models(folder):
        exact = dtype == torch.float32
        kind = f"{name} {str(dtype)[6:]}"
        on_cpu = models.load_model(path, "auto", on_host=True)
        on_gpu = models.load_model(path, "auto", on_host=True).to(DEVICE)
        for what, count in (("", None), (" padded", lengths)):
            cpu, gpu = sums_of(on_cpu, path, count, ids), sums_of(on_gpu, path, count, ids)
            again = sums_of(on_gpu, path, count, ids)
            worst = max(relative(gpu[k], cpu[k]) for k in cpu if k.endswith("sum_sq"))
            row(
                f"statistics {kind}{what}",
                f"{worst:.1e}",
                "<= 1e-5 / 2e-2",
                worst <= (1e-5 if exact else 2e-2),
            )
            active = max(relative(gpu[k], cpu[k]) for k in cpu if "active" in k)
            row(
                f"active counts {kind}{what}",
                f"{active:.1e}",
                "<= 1e-3 / 2e-2",
                active <= (1e-3 if exact else 2e-2),
            )
            same = all(np.array_equal(gpu[k], again[k]) for k in gpu)
            row(f"statistics twice, same bits {kind}{what}", same, "", same)
        text = [Window(w, np.roll(w, -1)) for w in ids]
        try:
            check_logits(on_gpu)
        except Exception as error:  # one model must not end the run
            row(f"check_logits {kind}", str(error)[:100], "", False)
        cpu, gpu = window_losses(on_cpu, text, 256), window_losses(on_gpu, text, 256)
        alone = window_losses(on_gpu, text, 64)
        row(
            f"perplexity {kind}",
            f"{relative(gpu, cpu):.1e}",
            "<= 1e-5 / 1e-2",
            relative(gpu, cpu) <= (1e-5 if exact else 1e-2),
        )
        row(f"perplexity, batch of 1 against 4 {kind}", f"{relative(alone, gpu):.1e}")
        row(
            f"perplexity twice, same bits {kind}",
            window_losses(on_gpu, text, 256) == gpu,
            "",
            window_losses(on_gpu, text, 256) == gpu,
        )
        lay_masks(on_cpu, on_gpu, kind)


def lay_masks(on_cpu, on_gpu, kind):
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
    row(f"masks laid on {kind}, same bits", same, "", same)


def check_selection(_folder):
    """Selection on the device equals that on the CPU, with many ties."""
    generator = torch.Generator().manual_seed(0)
    shape = (64, 96) if TINY else (512, 4096)
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
            b = keep_in_scope(scores.to(DEVICE), sparsity, scope, size).cpu()
            row(
                f"selection {label}, {scope}, {size or 'unstructured'}",
                bool(torch.equal(a, b)),
                "",
                bool(torch.equal(a, b)),
            )


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


def check_sequential(folder):
    """Sequential Wanda and SparseGPT: CUDA against the CPU, hidden states on device or host."""
    for name in ("llama",) if TINY else ("llama", "bloom", "gpt2", "xglm", "cohere"):
        path = write_model(name, folder / f"sequential-{name}")
        for label, method in (("wanda", WANDA), ("sparsegpt", GPT)):
            cpu, gpu, host = (
                pruned_by(
                    path, method, device, memory, folder / f"{name}-{label}-{device.type}-{memory}"
                )
                for device, memory in ((torch.device("cpu"), 0), (DEVICE, 1e9), (DEVICE, 0))
            )
            total = sum(a.size for a in cpu.values())
            agree = sum(int(((cpu[n] != 0) == (gpu[n] != 0)).sum()) for n in cpu) / total
            row(
                f"sequential {label} {name}, same choice",
                f"{agree:.5f}",
                ">= 0.999",
                agree >= 0.999,
            )
            same = all(np.array_equal(gpu[n], host[n]) for n in gpu)
            row(f"sequential {label} {name}, states on device or host, same bits", same, "", same)
            if label == "sparsegpt":
                far = max(relative(gpu[n], cpu[n]) for n in cpu)
                row(f"sequential {label} {name}, weights", f"{far:.1e}", "<= 2e-2", far <= 2e-2)


# ------------------------------------------------------------------------------- at 8B shapes

SIZES = (
    {
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 512,
    }
    if TINY
    else {
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
    }
)
LENGTH, WINDOWS = (32, 4) if TINY else (2048, 4)


def large(layers=None, dtype=torch.bfloat16, cls=None):
    config = (
        transformers.LlamaConfig(
            **{**SIZES, "num_hidden_layers": layers or SIZES["num_hidden_layers"]},
            max_position_embeddings=8192,
            tie_word_embeddings=False,
        )
        if cls is None
        else cls
    )
    torch.manual_seed(0)
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=dtype)
    model.to_empty(device=DEVICE)
    for _, parameter in model.named_parameters():
        parameter.data.normal_(std=0.02) if parameter.dim() == 2 else parameter.data.fill_(1.0)
    fresh = (
        type(model)(
            type(config)(
                **{
                    **config.to_dict(),
                    "num_hidden_layers": 1,
                    "n_layer": 1,
                    "vocab_size": 8,
                    "pad_token_id": None,
                }
            )
        )
        if hasattr(model.base_model, "rotary_emb")
        else None
    )
    if fresh is not None:  # to_empty loses the rotary buffers, which are not parameters
        for name, buffer in fresh.base_model.rotary_emb.named_buffers():
            setattr(model.base_model.rotary_emb, name, buffer.to(DEVICE))
    return model.eval()


def folder_for(model, folder):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": model.config.model_type}))
    return folder


def check_passes(folder):
    """Statistics against a plain forward pass, perplexity, batch sizes, peak memory."""
    model = large()
    path = folder_for(model, folder / "large")
    ids = (
        np.random.default_rng(0)
        .integers(0, SIZES["vocab_size"], (WINDOWS, LENGTH))
        .astype(np.int32)
    )
    tokens = ids.size
    tensor = torch.from_numpy(ids).long()
    weights = sum(p.numel() for p in model.parameters())
    plain, peak = timed(lambda: models.forward(model, tensor))
    row("plain forward, tokens/s", round(tokens / plain))
    row("plain forward, TFLOP/s", round(2 * weights * tokens / plain / 1e12))
    row("plain forward, peak GiB", round(peak, 1))
    with torch.inference_mode():
        head, _ = timed(lambda: model(tensor.to(DEVICE), use_cache=False).logits[:, -1])
    row("forward with output head, over plain", round(head / plain, 2))
    torch.use_deterministic_algorithms(False)
    free_, _ = timed(lambda: models.forward(model, tensor))
    torch.use_deterministic_algorithms(True, warn_only=True)
    row(
        "plain forward, deterministic kernels over others",
        round(plain / free_, 3),
        "<= 1.05",
        plain / free_ <= 1.05,
    )
    passes = 4
    many = Windows.full(np.concatenate([ids] * passes))
    for batch in (LENGTH, WINDOWS * LENGTH) if TINY else (2048, 8192, 16384):
        statistics, peak = timed(
            lambda b=batch: collect(model, many, architecture_of(path), b), repeats=1
        )
        row(
            f"statistics, batch_tokens {batch}: over plain forward",
            round(statistics / (passes * plain), 2),
            "<= 1.5 at 8192",
            None,
        )
        row(f"statistics, batch_tokens {batch}: peak GiB", round(peak, 1))
    text = [Window(w, np.roll(w, -1)) for w in ids]
    losses, peak = timed(lambda: window_losses(model, text, tokens))
    row("perplexity, tokens/s", round(tokens / losses))
    row("perplexity over plain forward", round(losses / plain, 2), "<= 1.2", losses / plain <= 1.2)
    row("perplexity, peak GiB", round(peak, 1))
    hidden = models.forward(model, tensor).flatten(0, 1)
    target = tensor.flatten().to(DEVICE)
    for rows in (256, 1024, 4096):

        def head_alone(rows=rows):
            with torch.inference_mode():
                for part, wanted in zip(hidden.split(rows), target.split(rows), strict=True):
                    cross_entropy(logits(model, part).float(), wanted, reduction="none")

        seconds, peak = timed(head_alone)
        row(f"output head in pieces of {rows}: ms, peak GiB", f"{1e3 * seconds:.0f}, {peak:.1f}")
    short = torch.randint(0, SIZES["vocab_size"], (16, 64), device=DEVICE)
    budget = torch.randint(0, SIZES["vocab_size"], (256 if not TINY else 32, 64), device=DEVICE)
    for label, batch in (("16 requests", short), ("a token budget", budget)):
        seconds, _ = timed(lambda b=batch: models.forward(model, b))
        row(f"short texts of 64 tokens, {label}: tokens/s", round(batch.numel() / seconds))


def check_precision(_folder):
    """What a model stored in float32 costs (dtype: auto), with TF32 and without."""
    ids = torch.randint(0, SIZES["vocab_size"], (WINDOWS, LENGTH))
    seconds = {}
    for label, dtype, tf32 in (
        ("bfloat16", torch.bfloat16, False),
        ("float16", torch.float16, False),
        ("float32", torch.float32, False),
        ("float32 with TF32", torch.float32, True),
    ):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        model = large(4 if not TINY else 2, dtype)
        seconds[label], _ = timed(lambda m=model: models.forward(m, ids))
        row(
            f"4 blocks in {label}: times as long as bfloat16",
            round(seconds[label] / seconds["bfloat16"], 2),
        )
        model = None
        free()
    torch.backends.cuda.matmul.allow_tf32 = False
    eager = transformers.BloomConfig(
        vocab_size=512, hidden_size=SIZES["hidden_size"], n_layer=4, n_head=32 if not TINY else 4
    )
    model = large(cls=eager)
    weights = sum(p.numel() for n, p in model.named_parameters() if "embeddings" not in n)
    took, peak = timed(lambda: models.forward(model, ids % 512))
    row(
        "BLOOM, 4 blocks, attention without sdpa: TFLOP/s, peak GiB",
        f"{2 * weights * ids.numel() / took / 1e12:.0f}, {peak:.1f}",
    )


def check_masks(_folder):
    """A block's mask on one CPU thread and on the device; laying it on; both 8B shapes."""
    h, n = SIZES["hidden_size"], SIZES["intermediate_size"]
    kv = h // SIZES["num_attention_heads"] * SIZES["num_key_value_heads"]
    shapes = [(h, h), (kv, h), (kv, h), (h, h), (n, h), (n, h), (h, n)]
    weights = [torch.randn(*s).bfloat16() for s in shapes]
    norms = [torch.rand(s[1]) + 0.1 for s in shapes]
    on_device = [w.to(DEVICE) for w in weights]
    device_norms = [v.to(DEVICE) for v in norms]

    def choose(matrices, vectors):
        return [
            keep_in_scope(wanda.score(w.float(), v), 0.5, "row")
            for w, v in zip(matrices, vectors, strict=True)
        ]

    def by_kthvalue():
        kept = []
        for w, v in zip(on_device, device_norms, strict=True):
            scores = wanda.score(w.float(), v)
            kept.append(scores > scores.kthvalue(scores.shape[1] // 2, dim=1, keepdim=True).values)
        return kept

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    start = time.perf_counter()
    on_host = choose(weights, norms)
    row("mask of a block, one CPU thread, s", round(time.perf_counter() - start, 2))
    torch.set_num_threads(threads)
    seconds, peak = timed(lambda: choose(on_device, device_norms))
    row("mask of a block, device (stable sort), s, peak GiB", f"{seconds:.3f}, {peak:.1f}")
    seconds, _ = timed(by_kthvalue)
    row("mask of a block, device (kthvalue), s", round(seconds, 3))
    same = all(
        torch.equal(a, b.cpu())
        for a, b in zip(on_host, choose(on_device, device_norms), strict=True)
    )
    row("mask of a block, same on both", same, "", same)
    packed = [pack(k) for k in on_host]
    parameters = [torch.nn.Parameter(w.clone(), requires_grad=False) for w in on_device]
    seconds, _ = timed(lambda: [_drop(p, m) for p, m in zip(parameters, packed, strict=True)])
    row("laying a block's mask on, unpacked on the host (now), s", round(seconds, 3))
    shifts = torch.arange(7, -1, -1, device=DEVICE, dtype=torch.uint8)

    def unpacked_on_device():
        for p, m in zip(parameters, packed, strict=True):
            bits = torch.from_numpy(m).to(DEVICE)
            kept = ((bits[:, :, None] >> shifts) & 1).flatten(1)[:, : p.shape[1]]
            p.data.view(torch.int16).bitwise_and_(-kept.to(torch.int16))

    seconds, _ = timed(unpacked_on_device)
    row("laying a block's mask on, unpacked on the device, s", round(seconds, 3))
    after = all(
        torch.equal(p.data.cpu() != 0, k & (w != 0))
        for p, k, w in zip(parameters, on_host, weights, strict=True)
    )
    row("both ways leave the same weights", after, "", after)


def check_hessian(_folder):
    """SparseGPT of the widest matrix: seconds and memory of each step, float32 against float64."""
    rows_, columns = (48, 96) if TINY else (SIZES["hidden_size"], SIZES["intermediate_size"])
    tokens = 512 if TINY else 8192
    x = torch.randn(tokens, columns, device=DEVICE)
    x *= torch.rand(columns, device=DEVICE) + 0.1
    hessian = InputHessian(columns, DEVICE)
    seconds, _ = timed(lambda: hessian.update(x.bfloat16()))
    row("Hessian of down_proj's input, tokens/s", round(tokens / seconds))
    for _ in range(2 if TINY else 6):
        hessian.update(
            (torch.randn_like(x) * (torch.rand(columns, device=DEVICE) + 0.1)).bfloat16()
        )
    seconds, peak = timed(lambda: sparsegpt.inverse_factor(hessian.matrix, 0.01), repeats=1)
    row("inverse factor, s, peak GiB", f"{seconds:.2f}, {peak:.1f}")
    factor = sparsegpt.inverse_factor(hessian.matrix, 0.01)
    weight = (torch.randn(rows_, columns, device=DEVICE) * 0.02).bfloat16()
    seconds, peak = timed(lambda: sparsegpt.prune_with(weight, factor, 0.5), repeats=1)
    row("SparseGPT sweep of down_proj, s, peak GiB", f"{seconds:.2f}, {peak:.1f}")
    twice = torch.equal(
        sparsegpt.prune_with(weight, factor, 0.5).weight,
        sparsegpt.prune_with(weight, factor, 0.5).weight,
    )
    row("SparseGPT twice, same bits", twice, "", twice)
    exact = sparsegpt.inverse_factor(hessian.matrix.double(), 0.01)
    a, b = (
        sparsegpt.prune_with(weight, factor, 0.5),
        sparsegpt.prune_with(weight.double(), exact, 0.5),
    )
    agree = float((a.keep == b.keep).float().mean())
    row(
        "SparseGPT in float32 against float64, same choice",
        f"{agree:.5f}",
        ">= 0.999",
        agree >= 0.999,
    )
    h = hessian.matrix.double()
    loss = [
        float(((w.double() - weight.double()) @ h * (w.double() - weight.double())).sum())
        for w in (a.weight, b.weight)
    ]
    row(
        "the same, reconstruction error",
        f"{loss[0] / loss[1]:.4f}",
        "<= 1.01",
        loss[0] / loss[1] <= 1.01,
    )


def check_block(_folder):
    """One block of sequential propagation with 15 sets of 32 windows: where its time goes."""
    model = large(1 if not TINY else 2)
    block = model.base_model.layers[0]
    sets, windows = (2, 2) if TINY else (15, 32)
    hidden = torch.randn(
        windows * LENGTH // LENGTH,
        LENGTH,
        SIZES["hidden_size"],
        dtype=torch.bfloat16,
        device=DEVICE,
    )
    position = torch.arange(LENGTH, device=DEVICE)[None]
    with torch.inference_mode():
        embeddings = model.base_model.rotary_emb(hidden[:1], position)

        def run():
            for part in hidden.split(4):
                block(part, position_embeddings=embeddings, attention_mask=None)

        seconds, peak = timed(run)
    row("a pass of one set through one block, s, peak GiB", f"{seconds:.2f}, {peak:.1f}")
    row(
        "sequential at 8B shapes, forward passes alone (15 sets, 32 blocks, twice), minutes",
        round(seconds * sets * 32 * 2 / 60, 1),
    )
    start = time.perf_counter()
    block.to("cpu")
    block.to(DEVICE)
    if CUDA:
        torch.cuda.synchronize()
    row("a block to the host and back, s", round(time.perf_counter() - start, 2))


def check_harness_memory(_folder):
    """Peak of lm-eval's log-softmax over all logits: 16 texts of 1,000 tokens, 256,000 words."""
    shape = (2, 16, 512) if TINY else (16, 1000, 256000)

    def as_lm_eval_does():
        values = torch.empty(shape, dtype=torch.bfloat16, device=DEVICE)
        torch.nn.functional.log_softmax(values, dim=-1, dtype=torch.float32)

    _seconds, peak = timed(as_lm_eval_does, repeats=1)
    row(
        "lm-eval, 16 x 1000 tokens x 256,000 words: peak GiB beside the model",
        round(peak, 1),
        "24 on an A100 of 40 GB with 8B",
        None,
    )
    free()


CHECKS = [
    check_selection,
    check_small,
    check_sequential,
    check_masks,
    check_passes,
    check_precision,
    check_hessian,
    check_block,
    check_harness_memory,
]


def main():
    card = torch.cuda.get_device_name() if CUDA else "cpu"
    row("torch, transformers, device", f"{torch.__version__}, {transformers.__version__}, {card}")
    with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for check in CHECKS:
            if OPTIONS.only and check.__name__ not in OPTIONS.only:
                continue
            try:
                check(Path(temporary))
            except Exception:
                row(
                    check.__name__, traceback.format_exc().strip().splitlines()[-1][:200], "", False
                )
                traceback.print_exc()
            free()
    undetermined = sorted(
        {str(w.message).splitlines()[0][:110] for w in seen if "determin" in str(w.message)}
    )
    row(
        "operations without a deterministic kernel",
        undetermined or "none",
        "none",
        not undetermined,
    )
    failed = [r["name"] for r in ROWS if r["passed"] is False]
    print(f"{len(ROWS)} rows, {len(failed)} failed: {failed}")


main()
