"""Gemma 3 in numpy, from the tensors of a GGUF file as gguf itself dequantises them.

Written from the architecture's description (Gemma 3 Technical Report, 2025) and GGUF's names, to
hold a converted folder against: scaled embeddings; norms before and after attention and
feed-forward network; norms of queries and keys; one rotary base in windowed layers and another in
every sixth, which sees all; GeLU in its tanh form. GGUF stores the norms' weights with 1 added.
"""

from pathlib import Path

import numpy as np
from gguf import GGUFReader, dequantize

LOCAL_BASE = 10_000.0  # rotary base of windowed layers, which GGUF does not name
WHOLE = 6  # every sixth layer sees all positions


class GemmaByHand:
    """A model of architecture `gemma3` in a GGUF file."""

    def __init__(self, path: Path | str):
        reader = GGUFReader(path)
        self.tensors = {
            tensor.name: dequantize(tensor.data, tensor.tensor_type).astype(np.float64)
            for tensor in reader.tensors
        }
        self._field = lambda name: reader.fields[f"gemma3.{name}"].contents()

    def logits(self, ids: list[int]) -> np.ndarray:
        """Token ids [length] -> logits [length, vocabulary] of a text that begins with them."""
        embeddings = self.tensors["token_embd.weight"]
        states = embeddings[ids] * np.sqrt(embeddings.shape[1])
        for layer in range(self._field("block_count")):
            states = states + self._norm(
                self._attention(self._norm(states, layer, "attn_norm"), layer),
                layer, "post_attention_norm",
            )  # fmt: skip
            states = states + self._norm(
                self._feed_forward(self._norm(states, layer, "ffn_norm"), layer),
                layer, "post_ffw_norm",
            )  # fmt: skip
        return self._norm(states, None, "output_norm") @ embeddings.T

    def _weight(self, layer: int | None, name: str) -> np.ndarray:
        return self.tensors[f"{name}.weight" if layer is None else f"blk.{layer}.{name}.weight"]

    def _norm(self, states: np.ndarray, layer: int | None, name: str) -> np.ndarray:
        square = np.mean(states**2, axis=-1, keepdims=True)
        epsilon = self._field("attention.layer_norm_rms_epsilon")
        return states / np.sqrt(square + epsilon) * self._weight(layer, name)

    def _attention(self, states: np.ndarray, layer: int) -> np.ndarray:
        length, width = len(states), self._field("attention.key_length")
        heads, groups = (self._field(f"attention.head_count{end}") for end in ("", "_kv"))
        queries, keys, values = (
            (states @ self._weight(layer, f"attn_{name}").T).reshape(length, -1, width)
            for name in "qkv"
        )
        whole = (layer + 1) % WHOLE == 0
        base = self._field("rope.freq_base") if whole else LOCAL_BASE
        queries = rotated(self._norm(queries, layer, "attn_q_norm"), base)
        keys = rotated(self._norm(keys, layer, "attn_k_norm"), base)
        back = np.arange(length)[:, None] - np.arange(length)  # how far a key lies behind a query
        window = length if whole else self._field("attention.sliding_window")
        seen = (back >= 0) & (back < window)
        answers = []
        for head in range(heads):
            group = head * groups // heads
            scores = queries[:, head] @ keys[:, group].T / np.sqrt(width)
            shares = np.exp(np.where(seen, scores, -np.inf) - scores.max())
            answers.append(shares / shares.sum(axis=1, keepdims=True) @ values[:, group])
        return np.concatenate(answers, axis=1) @ self._weight(layer, "attn_output").T

    def _feed_forward(self, states: np.ndarray, layer: int) -> np.ndarray:
        gate, up = (states @ self._weight(layer, f"ffn_{name}").T for name in ("gate", "up"))
        gelu = gate / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (gate + 0.044715 * gate**3)))
        return gelu * up @ self._weight(layer, "ffn_down").T


def rotated(vectors: np.ndarray, base: float) -> np.ndarray:
    """Rotary positions of [length, heads, width]; a vector's halves are the two coordinates."""
    half = vectors.shape[2] // 2
    angles = np.arange(len(vectors))[:, None, None] * base ** (-np.arange(half) / half)
    first, second = vectors[..., :half], vectors[..., half:]
    cosine, sine = np.cos(angles), np.sin(angles)
    return np.concatenate([first * cosine - second * sine, second * cosine + first * sine], -1)
