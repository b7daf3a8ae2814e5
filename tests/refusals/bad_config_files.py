"""Mistakes in config files as files: their grammar, several at once, and what --config adds.

Beside every change stands what must be said of it, part by part.
"""

Parts = list[str]

# A text of the demo's file, what takes the place of its first, and what is said.
TEXTS: dict[str, tuple[str, str, Parts]] = {
    "key twice": ("baseline:", "seeds: [1]\nbaseline:", ["'seeds' stands twice, first in line"]),
    "method twice": (
        "  ria: {", "  wanda: {score: ria}\n  ria: {",
        ["'methods.wanda' stands twice, first in line"],
    ),
    "key twice in a line": ("{corpus: python}", "{corpus: python, corpus: udhr}",
        ["'calibration.code.corpus' stands twice"],
    ),
    "Norwegian without quotes": ("  tr: {", "  no: {", ["languages: key False", "in quotes"]),
    "pattern without quotes": (
        "  ria: {", "  wanda-2-4: {score: wanda, pattern: 2:4}\n  ria: {",
        ["methods.wanda-2-4.pattern: found 124", 'write "2:4"'],
    ),
    "exponent without a point": (
        "strength: 0.08", "strength: 8e-2",
        ["methods.owl.allocation.strength: found '8e-2'", "it is text, write 0.08"],
    ),
    "date as a name": (
        "experiment: demo-smollm2", "experiment: 2024-01-31",
        ["experiment: found datetime.date", "quotes"],
    ),
    "tuple of Python": (
        "seeds: [0]", "seeds: !!python/tuple [0]", ["seeds: found (0,)", "array"],
    ),
    "merge key that repeats a language": (
        "  tr: {", "  vi: {<<: &sw {corpus: udhr, text: swh, role: unseen}}\n  tr: {",
        ["languages.vi: found 'swh' of udhr, which is the text of sw"],
    ),
    "template": (
        "experiment: demo-smollm2", "__use_yte__: true\nexperiment: demo",
        ["__use_yte__ runs", "has done so"],
    ),
}  # fmt: skip

# What is given after the demo's file, and what is said of both together.
SEEDS = list(range(1000))
SHARES = [share / 100 for share in range(40, 61)]
OVERLAYS: dict[str, tuple[str, Parts]] = {
    "a corpus of another kind": (
        "corpora: {udhr: {kind: text, folder: texts}}",
        ["corpora.udhr: unknown key 'version': allowed are folder, kind"],
    ),
    "an allocation of another kind": (
        "methods: {owl: {allocation: {kind: uniform}}}",
        ["methods.owl.allocation: unknown key 'outlier_multiple': allowed are kind"],
    ),
    "a pattern for a method with sparsities": (
        "methods: {wanda: {pattern: '2:4'}}", ["methods.wanda: has the pattern 2:4", "hold 2-4"],
    ),
    "a method taken away": ("methods: {wanda: }", ["methods.wanda: found None", "object"]),
    "languages taken away": ("languages: []", ["languages: found []", "object"]),
    "a calibration language that is now unseen": (
        "languages: {en: {role: unseen}}",
        ["methods.wanda-en.calibration: 'en' has no statistics", "are ar, de, fr"],
    ),
    "other sparsities, the same downstream": (
        "sparsities: [0.4]",
        ["evaluation.downstream.sparsities: kim-translation has none of [0.5]", "are [0.4]"],
    ),
    "constants chosen on the text that is reported": (
        "evaluation: {perplexity: {split: validation}}\n"
        "methods: {owl: {choose: {allocation.strength: [0.1]}}}",
        ["evaluation.perplexity.split: found validation", "allowed is test"],
    ),
    "too many pruned models": (
        f"seeds: {SEEDS}\nsparsities: {SHARES}",
        ["models, seeds, methods, sparsities: ask for 174,021 pruned models", "are 100,000"],
    ),
    "a key twice in the overlay": ("seeds: [1]\nseeds: [2]", ["line 2: 'seeds' stands twice"]),
}  # fmt: skip

# An argument to --config after the demo's file, and what is said.
OVERRIDES: dict[str, tuple[str, Parts]] = {
    "baseline": ("baseline=wando", ["baseline: unknown method 'wando'", "'wanda'?"]),
    "no list": ("seeds=0", ["seeds: found 0, allowed is a value of type array"]),
    "text for a list": ("sparsities=half", ["sparsities: found 'half'", "array"]),
    "folder": ("experiment=../x", ["experiment: found '../x'", "^[a-z0-9]"]),
    "nested, which Snakemake hands over as text": (
        "calibration={samples: 8}", ["calibration.samples: found '8'", "it is text, write 8"],
    ),
}  # fmt: skip

# Files that Snakemake gives up on before it reads the workflow, and what check_config.py says.
UNREADABLE: dict[str, tuple[bytes, Parts]] = {
    "empty": (b"", ["found nothing, allowed are keys such as experiment: demo"]),
    "a list": (b"- experiment: demo\n", ["found a sequence"]),
    "a word": (b"demo\n", ["found a scalar"]),
    "a bracket left open": (b"seeds: [0\nsparsities: {\n", ["line 2: is not YAML"]),
    "a tab": (b"calibration:\n\tsamples: 8\n", ["line 2: is not YAML", "'\\t'"]),
    "two documents": (b"experiment: a\n---\nexperiment: b\n", ["line 2: is not YAML", "another"]),
    "an object of Python": (
        b"seeds: !!python/object/apply:os.getcwd []\n", ["line 1: is not YAML", "constructor"],
    ),
    "an alias of nothing": (b"seeds: *s\n", ["line 1: is not YAML", "undefined alias 's'"]),
    "an alias of itself": (b"methods: &m\n  wanda: *m\n", ["methods.wanda is an alias of what"]),
    "NUL": (b"experiment: a\x00b\n", ["is not YAML: unacceptable character #x0000"]),
    "Latin-1": ("seeds: [0]\nexperiment: démo\n".encode("latin-1"), ["line 2: is not UTF-8"]),
    "no such day": (b"experiment: 2024-02-30\n", ["cannot read: day is out of range"]),
    "a number of 5,000 digits": (b"seeds: [" + b"1" * 5000 + b"]\n", ["cannot read", "limit"]),
}  # fmt: skip
