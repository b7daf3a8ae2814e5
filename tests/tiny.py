"""Small real inputs that the tests make themselves: a random model with a tokenizer, and text."""

import random
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BloomConfig,
    BloomForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

WORDS = {
    "en": "all human beings are born free and equal in dignity and rights",
    "de": "alle Menschen sind frei und gleich an Würde und Rechten geboren",
    "fr": "tous les êtres humains naissent libres et égaux en dignité",
    "sw": "watu wote wamezaliwa huru hadhi na haki zao ni sawa",
    "tr": "bütün insanlar hür haysiyet ve haklar",
}
# Of experiments with more languages, whose tests write these texts.
FURTHER_WORDS = {
    "fi": "kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan",
    "hu": "minden emberi lény szabadon születik és egyenlő méltósága és joga van",
    "kk": "барлық адамдар тумысынан азат және қадір мен құқықтары тең",
    "ru": "все люди рождаются свободными и равными в своем достоинстве и правах",
    "uk": "всі люди народжуються вільними та рівними своїй гідності правах мають",
}

# The shortest tokenizer.json that loads: one word.
ONE_WORD = b'{"added_tokens":[],"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}}'


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer with one token a byte, plus a start and an end token."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<s>": 0, "</s>": 1, **{byte: i + 2 for i, byte in enumerate(alphabet)}}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")


def write_llama(folder: Path, seed: int = 0, **changes: int) -> Path:
    """Save a random Llama (two blocks, hidden size 32) with a byte tokenizer as a model folder."""
    torch.manual_seed(seed)
    sizes = {
        "vocab_size": 258,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "bos_token_id": 0,
        "eos_token_id": 1,
    }
    model = LlamaForCausalLM(LlamaConfig(**{**sizes, **changes}))
    model.save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return folder


def write_texts(folder: Path, languages: list[str], paragraphs: int = 40) -> Path:
    """Write `{language}.txt`, paragraphs of random words of the language's own, all different."""
    folder.mkdir(parents=True, exist_ok=True)
    for language in languages:
        draw = random.Random(language)
        words = (WORDS | FURTHER_WORDS)[language].split()
        texts = [" ".join(draw.choices(words, k=12)) for _ in range(paragraphs)]
        (folder / f"{language}.txt").write_text("\n\n".join(texts) + "\n", encoding="utf-8")
    return folder


def write_gpt2(folder: Path, seed: int = 0) -> Path:
    """Save a random GPT-2 (two blocks, hidden size 16), whose linear weights are transposed."""
    torch.manual_seed(seed)
    config = GPT2Config(vocab_size=258, n_positions=64, n_embd=16, n_layer=2, n_head=2)
    GPT2LMHeadModel(config).save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return folder


def write_bloom(folder: Path, seed: int = 0) -> Path:
    """Save a random BLOOM (two blocks, hidden size 16), with names as in the published files."""
    torch.manual_seed(seed)
    config = BloomConfig(vocab_size=258, hidden_size=16, n_layer=2, n_head=2)
    model = BloomForCausalLM(config)
    model.save_pretrained(folder)
    tensors = {
        name.removeprefix("transformer."): tensor.contiguous()
        for name, tensor in model.transformer.state_dict().items()
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    byte_tokenizer().save_pretrained(folder)
    return folder


def small_config() -> dict:
    """The shortest config that compares languages: two to calibrate on, one unseen."""
    return {
        "experiment": "small",
        "models": {"tiny": {"kind": "local", "folder": "inputs/model"}},
        "corpora": {"words": {"kind": "text", "folder": "inputs/texts"}},
        "languages": {
            "de": {"corpus": "words", "role": "calibration"},
            "en": {"corpus": "words", "role": "calibration"},
            "sw": {"corpus": "words", "role": "unseen"},
        },
        "baseline": "wanda",
        "methods": {"wanda": {"score": "wanda"}, "magnitude": {"score": "magnitude"}},
    }


def start_token_tokenizer() -> PreTrainedTokenizerFast:
    """The byte tokenizer, but one that puts the start token before every text."""
    tokenizer = byte_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.bos_token_id)]
    )
    return tokenizer


def learn(folder: Path, texts: list[str]) -> None:
    """Train the model in a folder until it knows the texts, all of one length, by heart."""
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    ids = torch.tensor(tokenizer(texts)["input_ids"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(120):
        loss = model(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)


def forget(folder: Path) -> None:
    """Make every token of the vocabulary equally likely, whatever the text."""
    model = AutoModelForCausalLM.from_pretrained(folder)
    torch.nn.init.zeros_(model.lm_head.weight)
    model.save_pretrained(folder)
