"""Activations of all windows on their way through a model, one decoder block after the other.

The model stands in host memory and only the block at work is on the device. What a block is handed
beside the hidden states (attention mask, position embeddings, ALiBi) differs by batch and, in
models with sliding windows, by block: all of it is recorded from the model's own forward pass.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from multiprune.calibration.windows import Windows
from multiprune.models.architectures import Architecture
from multiprune.models.devices import make_room
from multiprune.models.loading import forward
from multiprune.statistics import passes
from multiprune.statistics.files import ModuleInput


class Accumulator(Protocol):
    """Whatever is summed over the tokens of a module input, such as ActivationSums."""

    def update(self, inputs: Tensor, counted: Tensor | None) -> None:
        """Add a batch of inputs [rows, length, channels]; `counted` is False at padding."""


@dataclass
class Call:
    """The arguments of one block beside the hidden states."""

    arguments: tuple
    keywords: dict

    def mapped(self, function: Callable[[Tensor], Tensor]) -> "Call":
        """The same call with a function applied to every tensor in it."""
        arguments, keywords = _mapped((self.arguments, self.keywords), function)
        return Call(arguments, keywords)


@dataclass
class Batch:
    """Some windows of one calibration set, before the block that is next.

    `hidden` [rows, length, hidden size]; one call for every block.
    """

    texts: passes.Batch
    hidden: Tensor
    calls: list[Call]

    def tensors(self) -> dict[int, Tensor]:
        """Every tensor of the batch once, by identity: blocks share what they are handed."""
        found = {id(self.hidden): self.hidden}
        for call in self.calls:
            call.mapped(lambda tensor: found.setdefault(id(tensor), tensor))
        return found

    def move(self, device: torch.device) -> None:
        """Move all tensors; those that blocks share stay shared."""
        moved = {key: tensor.to(device) for key, tensor in self.tensors().items()}
        self.hidden = moved[id(self.hidden)]
        self.calls = [call.mapped(lambda tensor: moved[id(tensor)]) for call in self.calls]


class BlockPasses:
    """Batches of calibration sets that pass through a model's decoder blocks, block by block."""

    def __init__(
        self,
        model: PreTrainedModel,
        architecture: Architecture,
        device: torch.device,
        memory: float,
    ):
        """`memory`: bytes of the device that activations may fill; the others stay on the host."""
        self.model = model
        self._blocks = list(model.get_submodule(architecture.blocks))
        self.device = device
        self._memory = memory
        self._returns_tuple = self._probe()
        self.sets: dict[str, list[Batch]] = {}

    def enter(self, name: str, windows: Windows, batch_tokens: int) -> None:
        """Add a calibration set in front of the first block.

        Batches are those of a dense pass, so that the first block's statistics are the same to the
        last bit (on a CPU; elsewhere a dense pass computes the embeddings on the device).
        """
        entered = [self._recorded(texts) for texts in passes.batches(windows, batch_tokens)]
        for batch in entered:
            size = sum(tensor.nbytes for tensor in batch.tensors().values())
            if size <= self._memory:
                batch.move(self.device)
                self._memory -= size
        self.sets[name] = entered

    @contextmanager
    def on_device(self, block: int) -> Iterator[None]:
        """Hold a block on the device."""
        self._blocks[block].to(self.device)
        try:
            yield
        finally:
            self._blocks[block].to("cpu")

    @torch.inference_mode()
    def accumulate(
        self, block: int, accumulators: dict[str, dict[ModuleInput, Accumulator]]
    ) -> None:
        """Show a block's module inputs to accumulators, by calibration set; nothing advances."""
        for name, by_input in accumulators.items():
            inputs_of = partial(self._inputs, block, list(by_input))
            for batch, inputs in self._passed(name, inputs_of):
                for one in list(inputs):
                    by_input[one].update(inputs.pop(one), batch.texts.counted)

    def advance(self, block: int) -> None:
        """Replace every batch by the block's output, which is the input of the next block."""
        for name in self.sets:
            for batch, hidden in self._passed(name, partial(self._run, block)):
                batch.hidden = hidden.to(batch.hidden.device)
                del hidden  # before the next batch needs the room

    def _passed(self, name: str, work: Callable[[Batch], Any]) -> Iterator[tuple[Batch, Any]]:
        """The batches of a set and what `work` makes of them.

        One whose pass the device has no memory for is cut in two from now on; a single window that
        is too much raises torch's OutOfMemoryError.
        """
        waiting, self.sets[name] = deque(self.sets[name]), []
        while waiting:
            batch, done = waiting.popleft(), None
            try:
                done = work(batch)
            except torch.OutOfMemoryError:
                if len(batch.hidden) == 1:
                    raise
            if done is None:  # here, where what the failed attempt held is free
                make_room(len(batch.hidden))
                waiting.extendleft(reversed(self._halves(batch)))
                continue
            self.sets[name].append(batch)
            yield batch, done

    def _halves(self, batch: Batch) -> list[Batch]:
        """A batch in two, where it stands; what blocks are handed is recorded anew for each."""
        rows, halves = len(batch.hidden), []
        for part in (slice(rows // 2), slice(rows // 2, rows)):
            half = self._recorded(batch.texts.part(part))
            half.hidden = batch.hidden[part]
            half.move(batch.hidden.device)
            halves.append(half)
        return halves

    @torch.inference_mode()
    def _run(self, block: int, batch: Batch) -> Tensor:
        # The hidden states after the block.
        call = batch.calls[block].mapped(lambda tensor: tensor.to(self.device))
        hidden = batch.hidden.to(self.device)
        output = self._blocks[block](hidden, *call.arguments, **call.keywords)
        return output[0] if isinstance(output, tuple) else output

    def _inputs(
        self, block: int, asked: list[ModuleInput], batch: Batch
    ) -> dict[ModuleInput, Tensor]:
        """Module inputs of a block, [rows, length, channels]."""
        found: dict[ModuleInput, Tensor] = {}

        def keep(one: ModuleInput):
            def hook(_module: nn.Module, arguments: tuple) -> None:
                found[one] = arguments[0]
                if len(found) == len(asked):  # the product with the last one would be discarded
                    raise _EveryInputSeen

            return hook

        hooks = [
            self.model.get_submodule(one.name).register_forward_pre_hook(keep(one)) for one in asked
        ]
        try:
            self._run(block, batch)
        except _EveryInputSeen:
            pass
        finally:
            for hook in hooks:
                hook.remove()
        return found

    def _recorded(self, texts: passes.Batch) -> Batch:
        """Windows in front of the first block, and what every block will be handed."""
        mask = {} if texts.read is None else {"attention_mask": texts.read.long()}
        with self._bypassed(texts) as batch:
            self.model.base_model(texts.input_ids, use_cache=False, **mask)
        return batch

    @contextmanager
    def _bypassed(self, texts: passes.Batch) -> Iterator[Batch]:
        # Every block hands on what it is given, and its arguments are recorded.
        batch = Batch(texts, torch.empty(0), [])

        def in_place_of(position: int):
            def record(hidden: Tensor, *arguments: object, **keywords: object):
                batch.hidden = hidden
                batch.calls.append(Call(arguments, keywords))
                return (hidden,) if self._returns_tuple[position] else hidden

            return record

        for position, block in enumerate(self._blocks):
            block.forward = in_place_of(position)
        try:
            with torch.inference_mode():
                yield batch
        finally:
            for block in self._blocks:
                del block.forward  # the class's own method shows again

    def _probe(self) -> list[bool]:
        # Whether each block returns a tuple or the hidden states themselves, found with one token.
        returns_tuple = []

        def hook(_module: nn.Module, _arguments: tuple, output: object) -> None:
            returns_tuple.append(isinstance(output, tuple))

        hooks = [block.register_forward_hook(hook) for block in self._blocks]
        forward(self.model, torch.zeros(1, 1, dtype=torch.long))
        for handle in hooks:
            handle.remove()
        return returns_tuple


class _EveryInputSeen(Exception):
    """Ends a pass through a block whose output nobody wants."""


def _mapped(value: object, function: Callable[[Tensor], Tensor]) -> object:
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, tuple | list):
        return type(value)(_mapped(entry, function) for entry in value)
    if isinstance(value, dict):
        return {key: _mapped(entry, function) for key, entry in value.items()}
    return value
