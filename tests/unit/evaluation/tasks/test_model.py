"""Prompts and choices as token ids, against ids and log-likelihoods by hand."""

import pytest
import torch
from lm_eval.api.instance import Instance
from tiny import byte_tokenizer, start_token_tokenizer, write_llama
from tokenizers import AddedToken, Tokenizer, models, processors
from transformers import PreTrainedTokenizerFast

from multiprune.errors import InputError
from multiprune.evaluation.tasks.measuring import measure
from multiprune.evaluation.tasks.model import LoadedModel
from multiprune.evaluation.tasks.running import prepare, requests_hash
from multiprune.models.loading import forward, load_model
from unit.evaluation.tasks.scripted_models import ScriptedModel, write_cloze, write_task

START, END = 0, 1  # `<s>` and `</s>` of every tokenizer here
LETTERS = "abcdefgh"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A random Llama of 32 positions, far from uniform."""
    folder = tmp_path_factory.mktemp("models") / "llama"
    model = load_model(write_llama(folder, max_position_embeddings=32))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(5)
    return model


def merging_tokenizer(*merges: str) -> PreTrainedTokenizerFast:
    """Ids: 2 to 9 the letters a to h, 10 and on the merges, two letters each; nothing else."""
    names = ["<s>", "</s>", *LETTERS, *merges]
    vocabulary = {name: place for place, name in enumerate(names)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[tuple(merge) for merge in merges]))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")


def with_template(tokenizer: PreTrainedTokenizerFast, template: str) -> PreTrainedTokenizerFast:
    """The tokenizer with special tokens around every text, as `add_eos_token` puts them."""
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=[("<s>", START), ("</s>", END)]
    )
    return tokenizer


def letters(text: str) -> list[int]:
    return [LETTERS.index(letter) + 2 for letter in text]


def log_likelihood(model, context: list[int], choice: list[int]) -> float:
    """Of the choice's tokens, one after the other."""
    ids = torch.tensor([context + choice])
    with torch.no_grad():
        scores = model(input_ids=ids, use_cache=False).logits[0].log_softmax(-1)
    return sum(float(scores[at - 1, ids[0, at]]) for at in range(len(context), ids.shape[1]))


def item(context: str, *choices: str, name: str = "a:1") -> dict:
    return {"id": name, "context": context, "choices": list(choices), "answer": 0}


def record_of(tmp_path, model, tokenizer, *rows: dict, spaced: bool = False) -> dict:
    """What is measured on these rows."""
    task = prepare(write_task(tmp_path / "task", list(rows), spaced=spaced), None, tmp_path / "c")
    return measure(LoadedModel(model, tokenizer, batch_size=3), task)


# merges, context, choices, token ids of context and choices
JOINS = {
    "no token spans the join": (
        ["cd"], "ab", ["cda", "dd", "cd"],
        ([2, 3], [[10, 2], [5, 5], [10]]),
    ),
    "a token spans it for one choice": (
        ["bc"], "ab", ["cd", "dd", "bca"],
        ([2, 3], [[4, 5], [5, 5], [10, 2]]),
    ),
    "a token spans it and a word of another choice is one": (
        ["bc", "dd"], "ab", ["cd", "dd", "aa"],
        ([2, 3], [[4, 5], [11], [2, 2]]),
    ),
    "a choice is absorbed": (
        ["bc"], "ab", ["c", "d", "a"],
        ([2, 3], [[4], [5], [2]]),
    ),
    "all are absorbed": (
        ["bc", "bd"], "ab", ["c", "d"],
        ([2, 3], [[4], [5]]),
    ),
    "the context is encoded otherwise in the whole": (
        ["bc", "ab"], "aab", ["ca", "da"],
        ([2, 11], [[4, 2], [5, 2]]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", JOINS.values(), ids=JOINS)
def test_every_choice_is_scored_over_all_of_its_tokens(tmp_path, model, case):
    merges, context, choices, (context_ids, choice_ids) = case
    record = record_of(tmp_path, model, merging_tokenizer(*merges), item(context, *choices))
    expected = [log_likelihood(model, context_ids, ids) for ids in choice_ids]
    assert record["samples"]["log_likelihoods"] == [pytest.approx(expected, abs=1e-4)]


def test_items_are_encoded_each_by_itself(tmp_path, model):
    """The token that spans the join of the first item is no reason to part the second."""
    first, second = item("ab", "cd", "dd"), item("ab", "da", "dc", name="b:1")
    tokenizer = merging_tokenizer("bc", "bd", "da")
    assert [tokenizer.encode(text) for text in ("abda", "abcd")] == [[2, 11, 2], [2, 10, 5]]
    record = record_of(
        tmp_path, model, tokenizer, first, second, item("aa", "da", "dd", name="c:1")
    )
    expected = [
        [([2, 3], [4, 5]), ([2, 3], [5, 5])],
        [([2, 3], [12]), ([2, 3], [5, 4])],
        [([2, 2], [12]), ([2, 2], [5, 5])],
    ]
    assert record["samples"]["log_likelihoods"] == [
        pytest.approx([log_likelihood(model, *ids) for ids in row], abs=1e-4) for row in expected
    ]


def test_scores_stay_where_the_memory_of_a_gpu_is_short(tmp_path, model, monkeypatch):
    """One text at a time passes, where three are asked for."""
    sizes = []

    def passed(loaded, inputs):
        sizes.append(len(inputs))
        if len(inputs) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(loaded, inputs)

    rows = [item("ab", "cd", "dd", "a"), item("aabb", "da", "dc", "c", name="b:1")]
    expected = record_of(tmp_path, model, merging_tokenizer(), *rows)
    monkeypatch.setattr("multiprune.evaluation.tasks.model.forward", passed)
    found = record_of(tmp_path, model, merging_tokenizer(), *rows)
    assert max(sizes) == 3
    for row, of_whole in zip(
        found["samples"]["log_likelihoods"], expected["samples"]["log_likelihoods"], strict=True
    ):
        assert row == pytest.approx(of_whole, abs=1e-4)


def test_an_unknown_token_does_not_swallow_the_choice(tmp_path, model):
    """A Unigram vocabulary makes one token of all unknown characters in a row."""
    pieces = [("<s>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("a", -1.0), ("b", -1.0)]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.Unigram(pieces, unk_id=2)),
        bos_token="<s>", eos_token="</s>", unk_token="<unk>",
    )  # fmt: skip
    assert tokenizer.encode("a人人b") == [3, 2, 4]
    record = record_of(tmp_path, model, tokenizer, item("a人", "人b", "ab"))
    expected = [log_likelihood(model, [3, 2], ids) for ids in ([2, 4], [3, 4])]
    assert record["samples"]["log_likelihoods"] == [pytest.approx(expected, abs=1e-4)]


@pytest.mark.parametrize(
    ("template", "without"), [("$A </s>", "$A"), ("<s> $A </s>", "<s> $A"), ("$A </s> </s>", "$A")]
)
class TestTokensBehindATexts:
    def test_scores_are_those_without_them(self, tmp_path, model, template, without):
        rows = [item("abc", "dea", "fga"), item("", "ab", "ba", name="b:1")]
        found, expected = (
            record_of(
                tmp_path / name, model, with_template(byte_tokenizer(), text), *rows, spaced=True
            )
            for name, text in (("with", template), ("without", without))
        )
        assert found == expected

    def test_prompts_to_be_continued_and_texts_to_be_scored(self, model, template, without):
        lm = LoadedModel(model, with_template(merging_tokenizer(), template), 2)
        other = LoadedModel(model, with_template(merging_tokenizer(), without), 2)
        start = [START] if "<s>" in without else []
        assert lm.tok_encode("abc") == [*start, 2, 3, 4]
        ids, mask = lm.tok_batch_encode(["abc", "d"])
        assert [row[seen == 1].tolist() for row, seen in zip(ids, mask, strict=True)] == [
            [*start, 2, 3, 4], [*start, 5],
        ]  # fmt: skip
        assert mask[1].tolist() == [0, 0, *[1 for _ in start], 1]
        asked = [Instance("loglikelihood_rolling", {}, ("abcd",), 0)]
        assert lm.loglikelihood_rolling(asked) == other.loglikelihood_rolling(asked)


class TestControlTokensInATexts:
    @pytest.mark.parametrize(
        ("tokenizer", "start"), [(byte_tokenizer(), []), (start_token_tokenizer(), [START])]
    )
    def test_are_characters_behind_the_start_token(self, model, tokenizer, start):
        spelled = [ord(letter) - ord("!") + 2 for letter in "<s>20</s>"]  # bytes from "!" on
        lm = LoadedModel(model, tokenizer, 2)
        assert lm.tok_encode("<s>20</s>") == start + spelled
        assert lm.encode_item([("<s>20</s>", "</s>")]) == [(start + spelled, spelled[-4:])]

    def test_added_tokens_that_are_not_special_stay_whole(self, model):
        tokenizer = byte_tokenizer()
        tokenizer.add_tokens([AddedToken("<td>", special=False)])
        tokenizer.add_tokens([AddedToken("<|im_end|>", special=True)], special_tokens=True)
        ids = LoadedModel(model, tokenizer, 2).tok_encode("<td><|im_end|>")
        assert ids[0] == 258
        assert tokenizer.convert_ids_to_tokens(ids[1:]) == list("<|im_end|>")


@pytest.mark.parametrize(
    ("tokenizer", "first"),
    [
        (byte_tokenizer(), START),
        (start_token_tokenizer(), START),
        (with_template(byte_tokenizer(), "</s> $A"), END),  # as XGLM
    ],
)
@pytest.mark.parametrize("context", ["", " "])
def test_a_choice_without_context_follows_the_token_that_begins_texts(
    tmp_path, model, tokenizer, first, context
):
    blanks = [222] * len(context + " ")  # `Ġ`, the blank of byte-level vocabularies
    assert tokenizer.convert_ids_to_tokens(222) == "Ġ"
    record = record_of(tmp_path, model, tokenizer, item(context, "!#", "#!"), spaced=True)
    expected = [log_likelihood(model, [first], blanks + ids) for ids in ([2, 4], [4, 2])]
    assert record["samples"]["log_likelihoods"] == [pytest.approx(expected, abs=1e-4)]


def test_logits_that_are_not_the_heads_own_are_refused(model, monkeypatch):
    original = model.forward

    def scaled(*arguments, **options):
        output = original(*arguments, **options)
        output.logits = output.logits * 0.5
        return output

    monkeypatch.setattr(model, "forward", scaled)
    with pytest.raises(InputError, match=r"^LlamaForCausalLM changes its logits in a way"):
        LoadedModel(model, byte_tokenizer(), 2)


class TestLongTexts:
    def test_prompts_that_lose_their_beginning_are_counted(self, tmp_path, model):
        """32 positions read 32 tokens, and the last token of a choice is not read."""
        rows = [
            item("a" * 30, "bcd", "bdc"),  # 33 tokens: whole
            item("a" * 30, "bcd", "bbcd", name="b:1"),  # one choice of 34
            item("a" * 40, "bcd", "bdc", name="c:1"),
        ]
        record = record_of(tmp_path, model, merging_tokenizer(), *rows)
        assert record["truncated"] == 2
        found = record["samples"]["log_likelihoods"]
        assert found[0] == pytest.approx(
            [log_likelihood(model, letters("a" * 30), letters(text)) for text in ("bcd", "bdc")],
            abs=1e-4,
        )
        assert found[2] == found[0]
        whole = record_of(tmp_path / "whole", model, merging_tokenizer(), rows[0])
        assert whole["truncated"] == 0

    def test_a_choice_longer_than_all_positions(self, tmp_path, model):
        line = (
            "^task cloze [(]en[)], item b:1: a choice has 33 tokens, the model 32 positions; use "
            "shorter choices [(]choice_characters, longest_characters[)], or leave the task out "
            "for this model$"
        )
        rows = item("a", "b" * 32, "c"), item("a", "c", "b" * 33, name="b:1")
        with pytest.raises(InputError, match=line):
            record_of(tmp_path, model, merging_tokenizer(), *rows)


class TestOneLine:
    """What lm-eval would end with a traceback."""

    @pytest.mark.parametrize("choice", ["", "x"])  # `x` is not in the vocabulary
    def test_a_choice_without_any_token(self, tmp_path, model, choice):
        rows = item("ab", "cd", "d"), item("ab", "cd", choice, name="b:1")
        line = f"item b:1: the tokenizer makes no token of the choice '{choice}'$"
        with pytest.raises(InputError, match=rf"^task cloze \(en\), {line}"):
            record_of(tmp_path, model, merging_tokenizer(), *rows)

    def test_a_token_beyond_the_models_vocabulary(self, tmp_path, model):
        tokenizer = byte_tokenizer()
        tokenizer.add_tokens(["<td>"])
        line = "item a:1: its text has the token id 258, the model 258 tokens; take the tokenizer"
        with pytest.raises(InputError, match=line):
            record_of(tmp_path, model, tokenizer, item("ab", "cd", "<td>"))

    @pytest.mark.parametrize("error", [AssertionError(), IndexError("list index out of range")])
    def test_whatever_lm_eval_raises(self, tmp_path, error):
        def fail(_request):
            raise error

        task = prepare(write_cloze(tmp_path / "task"), None, tmp_path / "cache")
        line = (
            rf"^task cloze \(en\): lm-eval cannot score it \({type(error).__name__}:.*\); compare "
            r"its rows \(test.jsonl\) with what lm-eval expects, or leave the task out$"
        )
        with pytest.raises(InputError, match=line):
            measure(ScriptedModel(fail), task)

    @pytest.mark.parametrize(
        "change",
        [{"answer": "nobody"}, {"answer": None}, {"choices": ["", "a"]}, {"context": None}],
    )
    def test_rows_that_are_not_lm_evals(self, tmp_path, change):
        row = item("ab", "cd", "dc") | change
        manifest = write_task(tmp_path / "task", [row])
        with pytest.raises(InputError, match=r"^task cloze \(en\): lm-eval cannot score it"):
            requests_hash(prepare(manifest, None, tmp_path / "cache"))
