"""The tokenizer of a model folder, and whether it belongs to the model."""

from pathlib import Path

from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase

from multiprune.errors import InputError, in_one_line


def load_tokenizer(folder: Path | str, source: str | None = None) -> PreTrainedTokenizerBase:
    """The tokenizer in a model folder; InputError where its tokens are not the model's.

    `source` names the folder in messages where it has only come to be.
    """
    source = source or str(folder)
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # of any type: files are whatever the user has
        raise InputError(f"{source}: config.json cannot be used ({in_one_line(error)})") from None
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    except Exception as error:
        message = in_one_line(error)
        if "tiktoken" in message:  # what transformers takes any other *.model file for
            message = "its *.model file is no SentencePiece model; add its tokenizer.json"
        raise InputError(f"{source}: the tokenizer cannot be loaded ({message})") from None
    vocabulary = config.get_text_config().vocab_size
    # Added tokens may lie beyond the embeddings, as that for images in the text models of Gemma 3.
    added = tokenizer.get_added_vocab().keys()
    ids = [i for token, i in tokenizer.get_vocab().items() if token not in added]
    if not ids:
        raise InputError(f"{source}: the vocabulary of the tokenizer is empty; copy it again")
    ids += [i for i in (tokenizer.bos_token_id, tokenizer.eos_token_id) if i is not None]
    if max(ids) >= vocabulary:
        raise InputError(
            f"{source}: the tokenizer has ids up to {max(ids)}, config.json makes the model's "
            f"vocabulary {vocabulary} tokens; take the tokenizer that belongs to the model"
        )
    return tokenizer
