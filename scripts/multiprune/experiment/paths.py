"""Paths of files, as rules have them: Snakemake fills in `<results>` and `<resources>`."""


def text(corpus: str, language: str, split: str) -> str:
    """A split of a language's text."""
    return f"<resources>/corpora/{corpus}/{language}/{split}.jsonl"


def of_sets(model: str, seed: int | str, folder: str, sets: list[str]) -> list[str]:
    """Files of calibration sets: windows or statistics, by their folder."""
    return [f"<results>/{model}/seed{seed}/{folder}/{name}.safetensors" for name in sets]


def order(model: str, seed: int | str) -> str:
    """The order in which languages are chosen by their statistics."""
    return f"<results>/{model}/seed{seed}/statistics/order.json"


def record(model: str, seed: int | str, method: str, sparsity: str, language: str) -> str:
    """The perplexity of a language under a pruned model, or under the dense one."""
    return f"<results>/{model}/seed{seed}/perplexity/{method}/{sparsity}/{language}.json"


def answers(
    model: str, seed: int | str, method: str, sparsity: str, task: str, language: str
) -> str:
    """What a pruned model, or the dense one, answers to a task in a language."""
    return f"<results>/{model}/seed{seed}/downstream/{method}/{sparsity}/{task}/{language}.json"


def table(model: str, name: str) -> str:
    """A table of one model."""
    return f"<results>/tables/by_model/{model}/{name}.csv"
