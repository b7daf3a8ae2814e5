"""A Gemma 3 file converted by transformers, against one that reads the same file in numpy."""

from pathlib import Path

import gguf
import numpy as np
import pytest
import torch

from multiprune.fetch.gguf import convert_gguf
from multiprune.models.loading import load_model
from multiprune.models.tokenizer import load_tokenizer
from unit.fetch.gemma_by_hand import GemmaByHand

VOCABULARY = ["<pad>", "<eos>", "<bos>", "<unk>", *"▁abcdefghijklmnopqrstuvwxyz"]
WIDTH, HEADS, NEURONS, LAYERS, WINDOW = 32, 4, 64, 7, 4
HEAD_WIDTH = 256  # that of all Gemma 3: GGUF has no scale of the scores, which follows from it


def write_gemma(path: Path) -> Path:
    """A random Gemma 3 with its matrices in 8 bits, a full-attention layer, and a short window."""
    draw = np.random.default_rng(0)
    writer = gguf.GGUFWriter(str(path), "gemma3")
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(NEURONS)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(1)
    writer.add_key_length(HEAD_WIDTH)
    writer.add_value_length(HEAD_WIDTH)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_sliding_window(WINDOW)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(VOCABULARY)
    writer.add_token_scores([-float(place) for place in range(len(VOCABULARY))])
    writer.add_token_types([3, 3, 3, 2, *[1] * (len(VOCABULARY) - 4)])
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(3)
    writer.add_pad_token_id(0)

    def matrix(name: str, rows: int, columns: int) -> None:
        kind = gguf.GGMLQuantizationType.Q8_0
        values = draw.normal(size=(rows, columns), scale=0.3).astype(np.float32)
        writer.add_tensor(name, gguf.quantize(values, kind), raw_dtype=kind)

    def norm(name: str, width: int = WIDTH) -> None:
        writer.add_tensor(name, draw.normal(1, 0.3, width).astype(np.float32))

    matrix("token_embd.weight", len(VOCABULARY), WIDTH)
    norm("output_norm.weight")
    for block in (f"blk.{layer}" for layer in range(LAYERS)):
        matrix(f"{block}.attn_q.weight", HEADS * HEAD_WIDTH, WIDTH)
        matrix(f"{block}.attn_k.weight", HEAD_WIDTH, WIDTH)
        matrix(f"{block}.attn_v.weight", HEAD_WIDTH, WIDTH)
        matrix(f"{block}.attn_output.weight", WIDTH, HEADS * HEAD_WIDTH)
        matrix(f"{block}.ffn_gate.weight", NEURONS, WIDTH)
        matrix(f"{block}.ffn_up.weight", NEURONS, WIDTH)
        matrix(f"{block}.ffn_down.weight", WIDTH, NEURONS)
        for name in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            norm(f"{block}.{name}.weight")
        norm(f"{block}.attn_q_norm.weight", HEAD_WIDTH)
        norm(f"{block}.attn_k_norm.weight", HEAD_WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def converted(tmp_path_factory) -> tuple[Path, Path]:
    """A GGUF file and the folder that is made of it."""
    folder = tmp_path_factory.mktemp("gemma")
    file = write_gemma(folder / "tiny.gguf")
    (folder / "model").mkdir()
    convert_gguf(file, folder / "model")
    return file, folder / "model"


def test_logits_are_those_of_an_independent_reading(converted):
    file, folder = converted
    ids = [2, 5, 9, 30, 4, 4, 17, 22, 8, 11]  # longer than the window
    with torch.inference_mode():
        found = load_model(folder)(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
    np.testing.assert_allclose(found.numpy(), GemmaByHand(file).logits(ids), rtol=1e-3, atol=1e-3)


def test_a_file_is_parsed_once(converted, tmp_path, monkeypatch):
    opened = []

    class Reader(gguf.GGUFReader):
        def __init__(self, *given, **named):
            opened.append(given)
            super().__init__(*given, **named)

    monkeypatch.setattr(gguf, "GGUFReader", Reader)
    convert_gguf(converted[0], tmp_path)
    assert len(opened) == 1
    assert gguf.GGUFReader is Reader


def test_a_text_begins_with_the_start_token(converted):
    assert load_tokenizer(converted[1])("abc").input_ids[0] == 2
