"""The papers' claims as `config/claims.yaml` states them: a closed file, one line for a mistake."""

from dataclasses import dataclass
from os.path import commonprefix
from pathlib import Path

import yaml

from multiprune.errors import InputError
from multiprune.experiment.schema import with_defaults
from multiprune.files.noted_inputs import note_input

PERPLEXITY, ACCURACY, CONSISTENCY, COST = (
    "perplexity_ratio",
    "accuracy_difference",
    "consistency_difference",
    "cost_ratio",
)
# Languages as a sample of languages, where perplexity_ratio takes them as given.
LANGUAGE_RATIO, WEAKNESS, FAMILIES = "language_ratio", "weakness_correlation", "family_alikeness"
RATIOS = (PERPLEXITY, COST, LANGUAGE_RATIO)
OF_LANGUAGES = (LANGUAGE_RATIO, WEAKNESS, FAMILIES)
RESOURCES = {"seconds": "time", "memory": "peak memory"}
LANGUAGE, SPARSITY = "language", "sparsity"
UNVERIFIED = "unverified"
NO_PAPER = "none"  # the claim is a question of an experiment
SUPPORTED, NOT_SUPPORTED = "supported", "not supported"
INCONCLUSIVE, NOT_MEASURED = "inconclusive", "not measured"
ONE_SEED = "one seed: only test items vary"
AS_SAMPLE = "languages as a sample"  # what a verdict about them rests on
VERDICTS = (SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE, NOT_MEASURED)

_TEXT = {"type": "string", "minLength": 1}
_COMPARED = {"method": _TEXT, "reference": _TEXT}
# Several methods are draws of one thing, such as subsets of languages.
_DRAWS = _TEXT | {"type": ["string", "array"], "minItems": 1, "uniqueItems": True, "items": _TEXT}
_TASKS = {"tasks": {"type": "array", "items": _TEXT, "minItems": 1}}


def _measurement(kind: str, options: dict, required: tuple[str, ...] = ()) -> dict:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["method", "reference", *required],
        "properties": {"kind": {"const": kind}, **_COMPARED, **options},
    }


SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["claims"],
    "properties": {
        "claims": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": [
                    "paper", "statement", "source", "measurement", "threshold", "threshold_note",
                    "direction", "paper_source",
                ],
                "properties": {
                    "paper": {"enum": ["m-wanda", "kim", NO_PAPER]},
                    "statement": _TEXT,
                    "source": _TEXT,
                    "second_hand": {"type": "boolean", "default": False},
                    "measurement": {
                        "oneOf": [
                            _measurement(PERPLEXITY, {}),
                            _measurement(ACCURACY, _TASKS),
                            _measurement(CONSISTENCY, _TASKS),
                            _measurement(
                                LANGUAGE_RATIO, {"method": _DRAWS, "reference": _DRAWS}
                            ),
                            _measurement(WEAKNESS, {}),
                            {
                                "type": "object",
                                "additionalProperties": False,
                                "properties": {"kind": {"const": FAMILIES}},
                            },
                            _measurement(
                                COST, {"resource": {"enum": list(RESOURCES)}}, ("resource",)
                            ),
                        ]
                    },
                    "threshold": {"type": "number"},
                    "threshold_note": _TEXT,
                    "direction": {"enum": ["above", "below"]},
                    "each": {"enum": [LANGUAGE, SPARSITY]},
                    "scope": {
                        "type": "object",
                        "additionalProperties": False,
                        "default": {},
                        "properties": {
                            "languages": {
                                "enum": [
                                    "all", "calibration", "unseen", "non-reference",
                                    "unseen-language", "unseen-family",
                                ],
                                "default": "all",
                            },
                            "sparsity": {
                                "type": "number",
                                "exclusiveMinimum": 0,
                                "exclusiveMaximum": 1,
                            },
                        },
                    },
                    "paper_value": {"type": ["string", "number"], "default": UNVERIFIED},
                    "paper_source": _TEXT,
                },
            },
        }
    },
}  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """One claim: `method` against `reference`, beyond `threshold` in `direction`.

    sparsity: as in paths, "" for every one that both runs have. each: language, sparsity or "".
    tasks: empty for all. threshold: a ratio, or a difference of shares.
    """

    key: str
    paper: str
    statement: str
    kind: str
    methods: tuple[str, ...]
    references: tuple[str, ...]
    threshold: float
    direction: str
    languages: str
    sparsity: str
    each: str
    tasks: tuple[str, ...]
    resource: str
    paper_value: str
    paper_source: str
    second_hand: bool

    @property
    def method(self) -> str:
        """The method's name; of several draws what their names begin with."""
        return _drawn(self.methods)

    @property
    def reference(self) -> str:
        """The same of what it is compared with."""
        return _drawn(self.references)

    @property
    def is_ratio(self) -> bool:
        return self.kind in RATIOS

    @property
    def measurement(self) -> str:
        """What is compared, in words."""
        if self.is_ratio:
            what = RESOURCES[self.resource] if self.kind == COST else "perplexity"
            return f"{what} ratio: {self.method} / {self.reference}"
        if self.kind == WEAKNESS:
            return f"rank correlation: ratio of {self.method} with dense bits per byte"
        if self.kind == FAMILIES:
            return "correlation difference: within - between families"
        what = "accuracy" if self.kind == ACCURACY else "RankC"
        return f"{what} difference: {self.method} - {self.reference}"

    @property
    def scope(self) -> str:
        """Languages, tasks and sparsities that it speaks of, in words."""
        if self.kind == FAMILIES:
            return "calibration languages, dense model"
        where = f"sparsity {self.sparsity}" if self.sparsity else "every shared sparsity"
        if self.kind == COST:
            return where
        tasks = [f"tasks {' '.join(self.tasks)}"] if self.tasks else []
        return ", ".join([f"{self.languages} languages", *tasks, where])


def read_claims(path: Path | str) -> list[Claim]:
    """The claims of a file, in its order; InputError with one line for the first mistake."""
    note_input(path)
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not YAML ({' '.join(str(error).split())})") from None
    try:
        if not isinstance(content, dict):
            raise InputError(f"found {type(content).__name__}, allowed is a mapping with claims")
        entries = with_defaults(content, SCHEMA)["claims"]
        return [_claim(key, entry) for key, entry in entries.items()]
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _drawn(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{commonprefix(names)}*"  # noqa: RUF071


def _names(entry: str | list[str]) -> tuple[str, ...]:
    return (entry,) if isinstance(entry, str) else tuple(entry)


def _claim(key: str, entry: dict) -> Claim:
    measurement, scope = entry["measurement"], entry["scope"]
    kind = measurement["kind"]
    where = f"claims.{key}"
    if kind in RATIOS and entry["threshold"] <= 0:
        raise InputError(
            f"{where}.threshold: found {entry['threshold']:g}, allowed is > 0 for a ratio"
        )
    each = entry.get("each", "")
    if each == LANGUAGE and kind == COST:
        raise InputError(f"{where}.each: found {each}, but a cost has no languages; remove it")
    if each and kind in OF_LANGUAGES:
        raise InputError(f"{where}.each: found {each}, but {kind} is of all languages; remove it")
    if each == SPARSITY and (kind != PERPLEXITY or "sparsity" in scope):
        raise InputError(
            f"{where}.each: found {each}, allowed only for {PERPLEXITY} without scope.sparsity"
        )
    if kind in (ACCURACY, CONSISTENCY, LANGUAGE_RATIO, WEAKNESS) and "sparsity" not in scope:
        raise InputError(f"{where}.scope.sparsity: is missing, {kind} is measured at one sparsity")
    methods, references = (_names(measurement.get(key, "")) for key in ("method", "reference"))
    if len(methods) != len(references) and 1 not in (len(methods), len(references)):
        raise InputError(
            f"{where}.measurement: {len(methods)} methods and {len(references)} references cannot "
            "be paired; allowed are as many of each, or one of either"
        )
    return Claim(
        key=key,
        paper=entry["paper"],
        statement=entry["statement"],
        kind=kind,
        methods=methods,
        references=references,
        threshold=entry["threshold"],
        direction=entry["direction"],
        languages=scope["languages"],
        sparsity=f"{scope['sparsity']:g}" if "sparsity" in scope else "",
        each=each,
        tasks=tuple(measurement.get("tasks", ())),
        resource=measurement.get("resource", ""),
        paper_value=str(entry["paper_value"]),
        paper_source=entry["paper_source"],
        second_hand=entry["second_hand"],
    )
