"""A Llama on two fake CUDA devices, scored; run by test_devices.py in a process of its own.

FakeTensorMode has tensors without numbers that mind their devices as CUDA does. What it cannot do
without a CUDA build is done here from other operations that it can.
"""

import sys
import warnings
from types import SimpleNamespace

import accelerate.hooks
import torch
from accelerate.hooks import attach_align_device_hook_on_blocks
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import LlamaConfig, LlamaForCausalLM

sys.path.insert(0, ".")

from multiprune.evaluation import output_head
from multiprune.models.loading import forward

warnings.filterwarnings("ignore")
FIRST, SECOND = "cuda:0", "cuda:1"


def arange(*bounds, device=None, dtype=None, **_others):
    return torch.empty(len(range(*map(int, bounds))), dtype=dtype or torch.int64, device=device)


def part(tensor, key):
    """`tensor[key]` out of unsqueeze, narrow and select."""
    if tensor.device.type != "cuda":
        return INDEXING(tensor, key)
    keys = key if isinstance(key, tuple) else (key,)
    if Ellipsis in [one for one in keys if not torch.is_tensor(one)]:
        place = keys.index(Ellipsis)
        used = sum(one is not None for one in keys) - 1
        keys = keys[:place] + (slice(None),) * (tensor.dim() - used) + keys[place + 1 :]
    indices = [one for one in keys if torch.is_tensor(one)]
    if indices:
        shape = torch.broadcast_shapes(*[one.shape for one in indices])
        return torch.empty(shape, dtype=tensor.dtype, device=tensor.device)
    dimension = 0
    for one in keys:
        if one is None:
            tensor, dimension = tensor.unsqueeze(dimension), dimension + 1
        elif isinstance(one, int):
            tensor = tensor.select(dimension, one)
        else:
            start, stop, _step = one.indices(tensor.shape[dimension])
            tensor, dimension = tensor.narrow(dimension, start, max(0, stop - start)), dimension + 1
    return tensor


def contiguous(tensor, **options):
    if tensor.device.type != "cuda":
        return CONTIGUOUS(tensor, **options)
    return torch.empty(tensor.shape, dtype=tensor.dtype, device=tensor.device)


INDEXING, CONTIGUOUS = torch.Tensor.__getitem__, torch.Tensor.contiguous
torch._C._ensureCUDADeviceGuardSet()
torch.arange, torch.Tensor.__getitem__, torch.Tensor.contiguous = arange, part, contiguous
accelerate.hooks.AlignDevicesHook.init_hook = lambda _self, module: module  # they are placed below


def spread(tied: bool) -> LlamaForCausalLM:
    """The model with half of it on each device, as `device_map="auto"` would have it."""
    config = LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, vocab_size=258, tie_word_embeddings=tied,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    places = {
        "model.embed_tokens": FIRST,
        "model.layers.0": FIRST,
        "model.layers.1": SECOND,
        "model.norm": SECOND,
        "model.rotary_emb": SECOND,
        "lm_head": FIRST if tied else SECOND,
    }
    for name, place in places.items():
        for module in model.get_submodule(name).modules():
            for kept in (module._parameters, module._buffers):
                for key, value in kept.items():
                    if value is not None:
                        empty = torch.empty(value.shape, dtype=value.dtype, device=place)
                        frozen = torch.nn.Parameter(empty, requires_grad=False)
                        kept[key] = frozen if kept is module._parameters else empty
    if tied:
        model.lm_head.weight = model.model.embed_tokens.weight
    devices = {name: torch.device(place) for name, place in places.items()}
    attach_align_device_hook_on_blocks(
        model,
        execution_device=devices | {"": torch.device(FIRST)},
        offload=dict.fromkeys(places, False),
    )
    return model


with FakeTensorMode(allow_non_fake_inputs=True), torch.inference_mode():
    spread_model = spread(sys.argv[1] == "tied")
    inputs = torch.arange(8, device=spread_model.device)[None]
    hidden = forward(spread_model, inputs)[0]
    print("hidden", hidden.device)
    scores, _likeliest = output_head.token_scores(spread_model, hidden, torch.arange(8))
    print(f"scores: {len(scores)} of 8")
    # Comparisons of numbers have no answer here; that both sides can be compared is what counts.
    torch.isfinite = lambda _values: SimpleNamespace(all=lambda: True)
    compared = []
    torch.allclose = lambda one, other, **_tolerance: compared.append((one - other).device) or True
    output_head.check_logits(spread_model)
    print("checked" if compared else "not compared")
