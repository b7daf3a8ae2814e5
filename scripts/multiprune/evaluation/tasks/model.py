"""lm-eval's wrapper for transformers around a loaded model, with prompts and choices in tokens.

lm-eval encodes a context and a choice as one text and takes for the choice what lies behind as many
tokens as the context has alone. Where no blank parts the two a token may span the join: the choice
would lose its first characters, which the other choices of the item pay for.
"""

import logging
from itertools import groupby

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from multiprune.errors import shown
from multiprune.evaluation.generation import continued_to
from multiprune.evaluation.output_head import check_logits, token_scores
from multiprune.evaluation.tasks.running import UnscorableError
from multiprune.models.devices import in_halves
from multiprune.models.loading import forward
from multiprune.models.tokenization import encode, first_tokens, start_tokens

logging.getLogger("lm_eval.models.huggingface").setLevel(logging.ERROR)  # it warns of every prompt

Pair = tuple[list[int], list[int]]  # token ids of a context and of the choice that follows it
Request = tuple[object, list[int], list[int]]  # of lm-eval, beside its pair


def item_of(request: Instance) -> tuple[str, int]:
    """Which item a request belongs to: lm-eval's task and the number of its row."""
    return request.task_name, request.doc_id


class LoadedModel(HFLM):
    """lm-eval's wrapper for transformers around a model that is already loaded.

    Log-probabilities are taken in float32: those of bfloat16 are so coarse that choices tie. Every
    text begins as the tokenizer begins it and ends without a token of the tokenizer's own.
    `truncated` counts the items, of those that were scored last, with a prompt that is longer than
    the model's positions and has lost its beginning. Raises InputError where the output head is
    not known to give the model's own logits.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch_size: int):
        check_logits(model)
        model.config.use_cache = False  # but where a translation is written
        self._start, self._first = start_tokens(tokenizer), first_tokens(tokenizer)
        self.truncated = 0
        super().__init__(
            pretrained=model,
            tokenizer=tokenizer,
            batch_size=batch_size,
            prefix_token_id=self._first[-1],
        )

    def tok_encode(
        self,
        string: str,
        add_special_tokens: bool | None = None,
        left_truncate_len: int | None = None,
        **_options: object,
    ) -> list[int]:
        """Token ids of a text, behind its `start_tokens` unless `add_special_tokens` is False.

        The last `left_truncate_len` of them, if that is given.
        """
        start = [] if add_special_tokens is False else self._start
        ids = start + encode([string], self.tokenizer)[0]
        return ids[-left_truncate_len:] if left_truncate_len else ids

    def tok_batch_encode(
        self,
        strings: list[str],
        padding_side: str = "left",
        left_truncate_len: int | None = None,
        truncation: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Padded token ids and attention mask [texts, length] of prompts to be continued."""
        rows = [self.tok_encode(text, left_truncate_len=left_truncate_len) for text in strings]
        batch = self.tokenizer.pad(
            {"input_ids": rows}, padding_side=padding_side, return_tensors="pt"
        )
        return batch["input_ids"], batch["attention_mask"]

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = True) -> list[str]:
        """What is written behind each prompt, the likeliest token at a time, up to its end.

        A prompt that leaves too little room for it loses its beginning, and counts as truncated.
        """
        del disable_tqdm
        prompts = [self.tok_encode(request.args[0]) for request in requests]
        options = requests[0].args[1]  # the same for all: they are of one task
        most, (end,) = options["max_gen_toks"], options["until"]
        room = self.max_length - most
        if room < 1:
            reason = f"{most} tokens are written, the model has {self.max_length} positions; "
            raise UnscorableError(requests[0], reason + "leave the task out for this model")
        self.truncated = sum(len(prompt) > room for prompt in prompts)
        order = sorted(range(len(prompts)), key=lambda number: (-len(prompts[number]), number))
        texts: dict[int, str] = {}
        for start in range(0, len(order), self.batch_size):
            numbers = order[start : start + self.batch_size]
            batch = [prompts[number][-room:] for number in numbers]
            written = in_halves(
                lambda part: continued_to(end, self.model, part, most, self.tokenizer), batch
            )
            texts |= dict(zip(numbers, written, strict=True))
        return [texts[number] for number in range(len(requests))]

    def loglikelihood(
        self, requests: list[Instance], disable_tqdm: bool = True
    ) -> list[tuple[float, bool]]:
        """Log-likelihood of each choice, and whether it is the likeliest text; no progress bar.

        Raises UnscorableError where a choice has no token, or more than the model has positions.
        """
        pairs: list[Pair] = []
        for _item, of_item in groupby(requests, key=item_of):
            pairs += self.encode_item([request.args for request in of_item])
        asked = list(zip(requests, pairs, strict=True))
        for request, (context, choice) in asked:
            if reason := self._obstacle(request.args[1], context, choice):
                raise UnscorableError(request, reason)
        most = self.max_length + 1  # the last token is scored and not read
        too_long = (item_of(r) for r, (context, choice) in asked if len(context + choice) > most)
        self.truncated = len(set(too_long))
        return self._loglikelihood_tokens(
            [(request.args, *pair) for request, pair in asked], disable_tqdm=disable_tqdm
        )

    @torch.inference_mode()
    def _loglikelihood_tokens(
        self, requests: list[Request], disable_tqdm: bool = True, override_bs: int | None = None
    ) -> list[tuple[float, bool]]:
        """Log-likelihood of each (request, context, choice), and whether it is the likeliest text.

        The output head runs for the tokens of choices alone, where lm-eval runs it for all that is
        read. Texts that differ in their last token, which is not read, pass through the model once.
        """
        del disable_tqdm, override_bs
        asked: dict[tuple[int, ...], list[int]] = {}  # what is read -> the requests that read it
        for number, (_request, context, choice) in enumerate(requests):
            read = (context + choice)[-(self.max_length + 1) : -1]
            asked.setdefault(tuple(read), []).append(number)
        texts = sorted(asked, key=lambda read: (-len(read), read))
        answers: dict[int, tuple[float, bool]] = {}
        for start in range(0, len(texts), self.batch_size):
            batch = texts[start : start + self.batch_size]
            choices = [[requests[number][2] for number in asked[read]] for read in batch]
            scored = in_halves(self._scores, list(zip(batch, choices, strict=True)))
            for read, of_text in zip(batch, scored, strict=True):
                answers |= dict(zip(asked[read], of_text, strict=True))
        return [answers[number] for number in range(len(requests))]

    def _scores(
        self, batch: list[tuple[tuple[int, ...], list[list[int]]]]
    ) -> list[list[tuple[float, bool]]]:
        """For each text that is read, the longest first, the scores of the choices it ends with."""
        # Padding stands behind the text, where no token of it can see it.
        ids = [[*read, *[0] * (len(batch[0][0]) - len(read))] for read, _choices in batch]
        hidden = forward(self.model, torch.tensor(ids))
        ends = [
            (row, len(read), choice)
            for row, (read, choices) in enumerate(batch)
            for choice in choices
        ]
        states = [hidden[row, length - len(choice) : length] for row, length, choice in ends]
        targets = torch.tensor([token for *_where, choice in ends for token in choice])
        sizes = [len(choice) for *_where, choice in ends]
        values = token_scores(self.model, torch.cat(states), targets)
        parts = zip(*(value.split(sizes) for value in values), strict=True)
        scores = [(float(likely.sum()), bool(likeliest.all())) for likely, likeliest in parts]
        return [[scores.pop(0) for _choice in choices] for _read, choices in batch]

    def encode_item(self, texts: list[tuple[str, str]]) -> list[Pair]:
        """Token ids of the (context, choice) of one item.

        A context and a choice are encoded as one text. Where a token spans the join for one choice,
        all choices of the item are encoded by themselves, so that they stay comparable. Blanks at
        the end of a context belong to the choice.
        """
        moved = [(text.rstrip(), text[len(text.rstrip()) :] + choice) for text, choice in texts]
        pairs = [self._encode_as_one(*text) for text in moved]
        if None in pairs:
            pairs = [
                (self.tok_encode(text), self.tok_encode(choice, False)) for text, choice in moved
            ]
        return [(context or self._first, choice) for context, choice in pairs]

    def _encode_as_one(self, context: str, choice: str) -> Pair | None:
        """Token ids of a text in two parts; None where a token spans the join.

        An unknown token at the end of the context may have swallowed what follows.
        """
        before, whole = self.tok_encode(context), self.tok_encode(context + choice)
        own = whole[len(before) :]
        swallowed = not own or before[-1:] == [self.tokenizer.unk_token_id]
        return None if swallowed or whole[: len(before)] != before else (before, own)

    def _obstacle(self, text: str, context: list[int], choice: list[int]) -> str | None:
        """Why lm-eval would end with a traceback, if it would; `text` is the choice."""
        if not choice:
            return f"the tokenizer makes no token of the choice {shown(text)}"
        if len(choice) > self.max_length:
            return (
                f"a choice has {len(choice)} tokens, the model {self.max_length} positions; use "
                "shorter choices (choice_characters, longest_characters), or leave the task out "
                "for this model"
            )
        vocabulary = self.model.get_input_embeddings().num_embeddings
        if (largest := max(context + choice)) >= vocabulary:
            return (
                f"its text has the token id {largest}, the model {vocabulary} tokens; take the "
                "tokenizer that belongs to the model"
            )
        return None
