"""Seconds, ratios and peak memory at the shapes of Llama-3-8B, with random weights."""

import json
import time

import numpy as np
import torch
import transformers
from torch.nn.functional import cross_entropy

from multiprune.calibration.windows import Windows
from multiprune.evaluation.output_head import logits
from multiprune.evaluation.perplexity import Window, window_losses
from multiprune.models import loading as models
from multiprune.models.architectures import architecture_of
from multiprune.pruning.masks import _drop, pack
from multiprune.pruning.patterns import keep_in_scope
from multiprune.pruning.scores import wanda
from multiprune.pruning.sequential import sparsegpt
from multiprune.pruning.sequential.hessian import InputHessian
from multiprune.statistics.passes import collect

WINDOWS = 4


def large(bench, layers=None, dtype=torch.bfloat16, cls=None):
    config = (
        transformers.LlamaConfig(
            **{**bench.sizes, "num_hidden_layers": layers or bench.sizes["num_hidden_layers"]},
            max_position_embeddings=8192,
            tie_word_embeddings=False,
        )
        if cls is None
        else cls
    )
    torch.manual_seed(0)
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=dtype)
    model.to_empty(device=bench.device)
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
            setattr(model.base_model.rotary_emb, name, buffer.to(bench.device))
    return model.eval()


def folder_for(model, folder):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": model.config.model_type}))
    return folder


def check_passes(bench, folder):
    """Statistics against a plain forward pass, perplexity, batch sizes, peak memory."""
    model = large(bench)
    path = folder_for(model, folder / "large")
    ids = (
        np.random.default_rng(0)
        .integers(0, bench.sizes["vocab_size"], (WINDOWS, bench.length))
        .astype(np.int32)
    )
    tokens = ids.size
    tensor = torch.from_numpy(ids).long()
    weights = sum(p.numel() for p in model.parameters())
    plain, peak = bench.timed(lambda: models.forward(model, tensor))
    bench.row("plain forward, tokens/s", round(tokens / plain))
    bench.row("plain forward, TFLOP/s", round(2 * weights * tokens / plain / 1e12))
    bench.row("plain forward, peak GiB", round(peak, 1))
    with torch.inference_mode():
        head, _ = bench.timed(lambda: model(tensor.to(bench.device), use_cache=False).logits[:, -1])
    bench.row("forward with output head, over plain", round(head / plain, 2))
    torch.use_deterministic_algorithms(False)
    free_, _ = bench.timed(lambda: models.forward(model, tensor))
    torch.use_deterministic_algorithms(True, warn_only=True)
    bench.row(
        "plain forward, deterministic kernels over others",
        round(plain / free_, 3),
        "<= 1.05",
        plain / free_ <= 1.05,
    )
    passes = 4
    many = Windows.full(np.concatenate([ids] * passes))
    for batch in (bench.length, WINDOWS * bench.length) if bench.tiny else (2048, 8192, 16384):
        statistics, peak = bench.timed(
            lambda b=batch: collect(model, many, architecture_of(path), b), repeats=1
        )
        bench.row(
            f"statistics, batch_tokens {batch}: over plain forward",
            round(statistics / (passes * plain), 2),
            "<= 1.5 at 8192",
            None,
        )
        bench.row(f"statistics, batch_tokens {batch}: peak GiB", round(peak, 1))
    text = [Window(w, np.roll(w, -1)) for w in ids]
    losses, peak = bench.timed(lambda: window_losses(model, text, tokens))
    bench.row("perplexity, tokens/s", round(tokens / losses))
    bench.row(
        "perplexity over plain forward", round(losses / plain, 2), "<= 1.2", losses / plain <= 1.2
    )
    bench.row("perplexity, peak GiB", round(peak, 1))
    hidden = models.forward(model, tensor).flatten(0, 1)
    target = tensor.flatten().to(bench.device)
    for rows in (256, 1024, 4096):

        def head_alone(rows=rows):
            with torch.inference_mode():
                for part, wanted in zip(hidden.split(rows), target.split(rows), strict=True):
                    cross_entropy(logits(model, part).float(), wanted, reduction="none")

        seconds, peak = bench.timed(head_alone)
        bench.row(
            f"output head in pieces of {rows}: ms, peak GiB", f"{1e3 * seconds:.0f}, {peak:.1f}"
        )
    short = torch.randint(0, bench.sizes["vocab_size"], (16, 64), device=bench.device)
    budget = torch.randint(
        0, bench.sizes["vocab_size"], (256 if not bench.tiny else 32, 64), device=bench.device
    )
    for label, batch in (("16 requests", short), ("a token budget", budget)):
        seconds, _ = bench.timed(lambda b=batch: models.forward(model, b))
        bench.row(f"short texts of 64 tokens, {label}: tokens/s", round(batch.numel() / seconds))


def check_precision(bench, _folder):
    """What a model stored in float32 costs (dtype: auto), with TF32 and without."""
    ids = torch.randint(0, bench.sizes["vocab_size"], (WINDOWS, bench.length))
    seconds = {}
    for label, dtype, tf32 in (
        ("bfloat16", torch.bfloat16, False),
        ("float16", torch.float16, False),
        ("float32", torch.float32, False),
        ("float32 with TF32", torch.float32, True),
    ):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        model = large(bench, 4 if not bench.tiny else 2, dtype)
        seconds[label], _ = bench.timed(lambda m=model: models.forward(m, ids))
        bench.row(
            f"4 blocks in {label}: times as long as bfloat16",
            round(seconds[label] / seconds["bfloat16"], 2),
        )
        model = None
        bench.free()
    torch.backends.cuda.matmul.allow_tf32 = False
    eager = transformers.BloomConfig(
        vocab_size=512,
        hidden_size=bench.sizes["hidden_size"],
        n_layer=4,
        n_head=32 if not bench.tiny else 4,
    )
    model = large(bench, cls=eager)
    weights = sum(p.numel() for n, p in model.named_parameters() if "embeddings" not in n)
    took, peak = bench.timed(lambda: models.forward(model, ids % 512))
    bench.row(
        "BLOOM, 4 blocks, attention without sdpa: TFLOP/s, peak GiB",
        f"{2 * weights * ids.numel() / took / 1e12:.0f}, {peak:.1f}",
    )


def check_masks(bench, _folder):
    """A block's mask on one CPU thread and on the device; laying it on; both 8B shapes."""
    h, n = bench.sizes["hidden_size"], bench.sizes["intermediate_size"]
    kv = h // bench.sizes["num_attention_heads"] * bench.sizes["num_key_value_heads"]
    shapes = [(h, h), (kv, h), (kv, h), (h, h), (n, h), (n, h), (h, n)]
    weights = [torch.randn(*s).bfloat16() for s in shapes]
    norms = [torch.rand(s[1]) + 0.1 for s in shapes]
    on_device = [w.to(bench.device) for w in weights]
    device_norms = [v.to(bench.device) for v in norms]

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
    bench.row("mask of a block, one CPU thread, s", round(time.perf_counter() - start, 2))
    torch.set_num_threads(threads)
    seconds, peak = bench.timed(lambda: choose(on_device, device_norms))
    bench.row("mask of a block, device (stable sort), s, peak GiB", f"{seconds:.3f}, {peak:.1f}")
    seconds, _ = bench.timed(by_kthvalue)
    bench.row("mask of a block, device (kthvalue), s", round(seconds, 3))
    same = all(
        torch.equal(a, b.cpu())
        for a, b in zip(on_host, choose(on_device, device_norms), strict=True)
    )
    bench.row("mask of a block, same on both", same, "", same)
    packed = [pack(k) for k in on_host]
    parameters = [torch.nn.Parameter(w.clone(), requires_grad=False) for w in on_device]
    seconds, _ = bench.timed(lambda: [_drop(p, m) for p, m in zip(parameters, packed, strict=True)])
    bench.row("laying a block's mask on, unpacked on the host (now), s", round(seconds, 3))
    shifts = torch.arange(7, -1, -1, device=bench.device, dtype=torch.uint8)

    def unpacked_on_device():
        for p, m in zip(parameters, packed, strict=True):
            bits = torch.from_numpy(m).to(bench.device)
            kept = ((bits[:, :, None] >> shifts) & 1).flatten(1)[:, : p.shape[1]]
            p.data.view(torch.int16).bitwise_and_(-kept.to(torch.int16))

    seconds, _ = bench.timed(unpacked_on_device)
    bench.row("laying a block's mask on, unpacked on the device, s", round(seconds, 3))
    after = all(
        torch.equal(p.data.cpu() != 0, k & (w != 0))
        for p, k, w in zip(parameters, on_host, weights, strict=True)
    )
    bench.row("both ways leave the same weights", after, "", after)


def check_hessian(bench, _folder):
    """SparseGPT of the widest matrix: seconds and memory of each step, float32 against float64."""
    rows_, columns = (
        (48, 96) if bench.tiny else (bench.sizes["hidden_size"], bench.sizes["intermediate_size"])
    )
    tokens = 512 if bench.tiny else 8192
    x = torch.randn(tokens, columns, device=bench.device)
    x *= torch.rand(columns, device=bench.device) + 0.1
    hessian = InputHessian(columns, bench.device)
    seconds, _ = bench.timed(lambda: hessian.update(x.bfloat16()))
    bench.row("Hessian of down_proj's input, tokens/s", round(tokens / seconds))
    for _ in range(2 if bench.tiny else 6):
        hessian.update(
            (torch.randn_like(x) * (torch.rand(columns, device=bench.device) + 0.1)).bfloat16()
        )
    seconds, peak = bench.timed(lambda: sparsegpt.inverse_factor(hessian.matrix, 0.01), repeats=1)
    bench.row("inverse factor, s, peak GiB", f"{seconds:.2f}, {peak:.1f}")
    factor = sparsegpt.inverse_factor(hessian.matrix, 0.01)
    weight = (torch.randn(rows_, columns, device=bench.device) * 0.02).bfloat16()
    seconds, peak = bench.timed(lambda: sparsegpt.prune_with(weight, factor, 0.5), repeats=1)
    bench.row("SparseGPT sweep of down_proj, s, peak GiB", f"{seconds:.2f}, {peak:.1f}")
    twice = torch.equal(
        sparsegpt.prune_with(weight, factor, 0.5).weight,
        sparsegpt.prune_with(weight, factor, 0.5).weight,
    )
    bench.row("SparseGPT twice, same bits", twice, "", twice)
    exact = sparsegpt.inverse_factor(hessian.matrix.double(), 0.01)
    a, b = (
        sparsegpt.prune_with(weight, factor, 0.5),
        sparsegpt.prune_with(weight.double(), exact, 0.5),
    )
    agree = float((a.keep == b.keep).float().mean())
    bench.row(
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
    bench.row(
        "the same, reconstruction error",
        f"{loss[0] / loss[1]:.4f}",
        "<= 1.01",
        loss[0] / loss[1] <= 1.01,
    )


def check_block(bench, _folder):
    """One block of sequential propagation with 15 sets of 32 windows: where its time goes."""
    model = large(bench, 1 if not bench.tiny else 2)
    block = model.base_model.layers[0]
    sets, windows = (2, 2) if bench.tiny else (15, 32)
    hidden = torch.randn(
        windows,
        bench.length,
        bench.sizes["hidden_size"],
        dtype=torch.bfloat16,
        device=bench.device,
    )
    position = torch.arange(bench.length, device=bench.device)[None]
    with torch.inference_mode():
        embeddings = model.base_model.rotary_emb(hidden[:1], position)

        def run():
            for part in hidden.split(4):
                block(part, position_embeddings=embeddings, attention_mask=None)

        seconds, peak = bench.timed(run)
    bench.row("a pass of one set through one block, s, peak GiB", f"{seconds:.2f}, {peak:.1f}")
    bench.row(
        "sequential at 8B shapes, forward passes alone (15 sets, 32 blocks, twice), minutes",
        round(seconds * sets * 32 * 2 / 60, 1),
    )
    start = time.perf_counter()
    block.to("cpu")
    block.to(bench.device)
    if bench.cuda:
        torch.cuda.synchronize()
    bench.row("a block to the host and back, s", round(time.perf_counter() - start, 2))


def check_harness_memory(bench, _folder):
    """Peak of lm-eval's log-softmax over all logits: 16 texts of 1,000 tokens, 256,000 words."""
    shape = (2, 16, 512) if bench.tiny else (16, 1000, 256000)

    def as_lm_eval_does():
        values = torch.empty(shape, dtype=torch.bfloat16, device=bench.device)
        torch.nn.functional.log_softmax(values, dim=-1, dtype=torch.float32)

    _seconds, peak = bench.timed(as_lm_eval_does, repeats=1)
    bench.row(
        "lm-eval, 16 x 1000 tokens x 256,000 words: peak GiB beside the model",
        round(peak, 1),
        "24 on an A100 of 40 GB with 8B",
        None,
    )
    bench.free()
