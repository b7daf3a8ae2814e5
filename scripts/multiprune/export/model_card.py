"""What an exported model says of itself: a record as JSON and a model card written from it.

The card has YAML front matter for machines and Markdown for people, and nothing that is not in the
record.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from multiprune.errors import InputError
from multiprune.files.json import read_json
from multiprune.files.markup import markdown

CARD = "README.md"
RECORD = "pruning.json"
NOT_TEXT = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}  # words of YAML
NOT_SMALLER = (
    "A pruned model is **not smaller or faster by itself**: the dropped weights are stored as "
    "zeros, and ordinary kernels multiply them like any others."
)
N_OF_M = (
    "Its pattern, {pattern}, is one that sparse matrix kernels can use where the hardware has "
    "them; the weights have to be converted for that after loading."
)
PROPAGATION = {
    "dense": "dense model",
    "sequential": "model whose blocks before each block are pruned already",
}
USE = """\
```python
from transformers import {auto_class}, AutoTokenizer

model = {auto_class}.from_pretrained("path/to/this/folder", dtype="auto")
tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")
```"""


def perplexity_rows(
    pruned: Path | str,
    dense: Path | str,
    languages: dict[str, str],
    model: str,
    mask: str,
) -> dict[str, dict]:
    """By language, the perplexity of the dense and the pruned model, and their ratio.

    `pruned` and `dense` are folders of records, one `{language}.json` each; `languages` maps codes
    to names. InputError where a record is of another model or mask than the fingerprint `model` and
    the hash `mask`, or where the two were not measured on the same tokens.
    """
    rows = {}
    for language, name in sorted(languages.items()):
        paths = [Path(folder) / f"{language}.json" for folder in (pruned, dense)]
        records = [read_json(path) for path in paths]
        for path, record, expected in zip(paths, records, (mask, None), strict=True):
            origin = record.get("provenance", {})
            if (origin.get("model"), origin.get("mask", "")) != (model, expected):
                what = "mask" if expected else "dense model"
                raise InputError(f"{path}: is no perplexity of this {what}; remove it")
        scored, reference = records
        measured = [(r["length"], r["provenance"]["tokens"]) for r in records]
        if measured[0] != measured[1]:
            raise InputError(f"{paths[0]}: was measured on other tokens than {paths[1]}; remove it")
        rows[language] = {
            "name": name,
            "dense": reference["perplexity"],
            "pruned": scored["perplexity"],
            "ratio": scored["perplexity"] / reference["perplexity"],
            **{key: scored["provenance"][key] for key in ("device", "versions")},
            **{key: scored[key] for key in ("corpus", "split", "length", "tokens")},
        }
    return rows


def calibration_sets(mask_inputs: Iterable[str]) -> list[str]:
    """Names of the calibration sets among the files that a mask records: `fr`, `en-fr`."""
    paths = map(PurePath, mask_inputs)
    return sorted({path.stem for path in paths if path.suffix == ".safetensors"})


def is_calibrated_on(language: str, sets: list[str], languages: Iterable[str]) -> bool:
    """Whether a language is one of the calibration sets or a side of a pair."""
    pairs = (name.split("-") for name in sets if name not in languages)
    return language in sets or any(language in pair for pair in pairs)


def model_card(record: dict) -> str:
    """The whole card, from the content of RECORD."""
    sections = [
        f"# {record['name']}, pruned to {percent(record['sparsity']['achieved'])} with "
        f"{record['method']}",
        _summary(record),
        "## Use",
        USE.format(auto_class=record["auto_class"]),
        _warning(record),
        "## Perplexity",
        _perplexity(record["perplexity"], record["calibration"]),
        "## Sparsity by block",
        _blocks(record["blocks"]),
        "## Provenance",
        _provenance(record),
    ]
    return f"---\n{front_matter(record)}---\n\n" + "\n\n".join(sections) + "\n"


def public(definition: dict) -> dict:
    """What a model is, of a folder on this machine its name alone: a card is shown to others."""
    folder = {"folder": Path(definition["folder"]).name} if "folder" in definition else {}
    return definition | folder


def front_matter(record: dict) -> str:
    """YAML: the hub's keys, then `pruning` with all that decides the weights and the results.

    The hub takes none but its own names for `base_model`, so it is left out for other models.
    """
    repository = record["base"]["definition"].get("repo")
    pruning = {
        "base_model": {"name": record["name"], **record["base"]},
        "method": record["method"],
        "options": record["options"],
        "sparsity": record["sparsity"],
        "calibration": record["calibration"],
        "propagation": record["propagation"],
        "seed": record["seed"],
        "perplexity": {
            language: {key: row[key] for key in ("dense", "pruned", "ratio")}
            for language, row in record["perplexity"].items()
        },
        "mask_sha256": record["mask"],
    }
    content = {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        **({"base_model": repository} if repository else {}),
        "tags": ["pruned", "sparse", record["method"]],
        "pruning": pruning,
    }
    return "\n".join(_yaml(content)) + "\n"


def _yaml(content: dict, indent: str = "") -> Iterator[str]:
    """Block mappings whose leaves are JSON, which is YAML too."""
    for key, value in content.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{_key(key)}:"
            yield from _yaml(value, indent + "  ")
        else:
            yield f"{indent}{_key(key)}: {json.dumps(value, ensure_ascii=False)}"


def _key(key: str) -> str:
    """A key, in quotes where YAML would read something else than text: `no` is Norwegian."""
    plain = key.isidentifier() and key.isascii() and key.lower() not in NOT_TEXT
    return key if plain else json.dumps(key, ensure_ascii=False)


def percent(share: float) -> str:
    """0.49927 -> 49.93%."""
    return f"{100 * share:.2f}%"


def _summary(record: dict) -> str:
    sparsity, zeros = record["sparsity"], record["zeros"]
    calibration = record["calibration"]
    definition, licences = record["base"]["definition"], record["licences"]
    beside = ", ".join(f"`{name}`" for name in licences)
    licence = f" ({beside}, beside this card)" if licences else ""
    lines = [
        f"- base model: {definition.get('repo', record['name'])}; its licence{licence} "
        "holds for this model too",
        f"- method: {record['method']}, options `{json.dumps(record['options'], sort_keys=True)}`",
        f"- sparsity of the linear weights in decoder blocks: {percent(sparsity['achieved'])} "
        f"({percent(sparsity['requested'])} requested); embeddings, head and norms are dense",
        f"- calibration: {', '.join(calibration) or 'none, the weights alone decide'}",
    ]
    if calibration:
        lines.append(f"- activations: of the {PROPAGATION[record['propagation']]}")
    if zeros["kept"]:
        lines.append(
            f"- {zeros['kept']:,} weights that the mask keeps are zero in the base model already"
        )
    return "\n".join(lines)


def _warning(record: dict) -> str:
    pattern = record["options"].get("pattern", "unstructured")
    kernels = "" if pattern == "unstructured" else " " + N_OF_M.format(pattern=pattern)
    return f"> {NOT_SMALLER}{kernels}"


def _perplexity(rows: dict[str, dict], calibration: list[str]) -> str:
    if not rows:
        return "Not measured."
    first = next(iter(rows.values()))
    lines = [
        f"Windows of {first['length']} tokens, {first['split']} split; lower is better.",
        "",
        "| language | calibrated on | tokens | dense | pruned | ratio |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for language, row in rows.items():
        seen = "yes" if is_calibrated_on(language, calibration, rows) else "no"
        name = language if row["name"] == language else f"{row['name']} ({language})"
        lines.append(
            f"| {markdown(name)} | {seen} | {row['tokens']} | {row['dense']:.2f} | "
            f"{row['pruned']:.2f} | {row['ratio']:.3f} |"
        )
    return "\n".join(lines)


def _blocks(blocks: list[dict]) -> str:
    lines = ["| block | weights | sparsity |", "|---:|---:|---:|"]
    lines += [f"| {b['block']} | {b['parameters']} | {percent(b['sparsity'])} |" for b in blocks]
    return "\n".join(lines)


def _provenance(record: dict) -> str:
    base = record["base"]
    measured = {_measured_with(row) for row in record["perplexity"].values()}
    lines = [
        f"- base model: `{json.dumps(base['definition'], sort_keys=True)}`, revision "
        f"{base['revision'] or 'none'}, fingerprint `{base['fingerprint']}`",
        f"- mask: SHA-256 `{record['mask']}`, seed {record['seed']}",
        *(f"- input {name}: `{value}`" for name, value in record["inputs"].items()),
        f"- pruned and written with {_versions(record['versions'])}; code `{record['code']}`",
        *(f"- perplexity measured {origin}" for origin in sorted(measured)),
        f"- all of this for programs: `{RECORD}`; hashes of all files: `manifest.json`",
    ]
    return "\n".join(lines)


def _measured_with(row: dict) -> str:
    return f"on {row['device']} with {_versions(row['versions'])}"


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
