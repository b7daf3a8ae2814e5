"""Statistics on disk, one file per (model, seed, calibration set), and several of them as one."""

import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from safetensors import SafetensorError

from multiprune.architectures import is_down_projection
from multiprune.artefacts import opened_tensors, read_metadata, sha256_file, write_tensors
from multiprune.errors import InputError

FURTHER = "further_activation_thresholds"  # in the metadata, where there are any


@dataclass(frozen=True)
class InputStatistics:
    """Sums of one module input, a row per language. Every quantity derived here is per token.

    `active` counts at the activation threshold that was asked for.
    """

    tokens: np.ndarray  # (languages,)
    sum_sq: np.ndarray  # (languages, channels)
    active: np.ndarray  # (languages, channels)
    feeds_down_projection: bool = False

    @property
    def mean_square(self) -> np.ndarray:
        """Mean of x_tj^2 over a language's tokens, [languages, channels]; its root is n_j^l."""
        return self.sum_sq / self.tokens[:, None]

    @property
    def activation_probability(self) -> np.ndarray:
        """Share p_j^l of a language's tokens with channel j active, [languages, channels]."""
        return self.active / self.tokens[:, None]


@dataclass(frozen=True)
class ModuleInput:
    """A distinct module input: its name, block, and the parameters of all modules that read it."""

    name: str
    block: int
    members: tuple[str, ...]


def count_key(threshold: float) -> str:
    """Name of the count at a threshold other than the default, whose name is `active`."""
    return f"active@{float(threshold)!r}"


def write_statistics(
    path: Path | str,
    sums: dict[ModuleInput, dict[str, np.ndarray]],
    tokens: int,
    provenance: dict[str, str],
) -> None:
    """Write `{input}.sum`, `.sum_sq`, `.sum_abs`, `.active` (float64 [channels]) and `tokens`.

    Also `{input}.active@0.5` and so on; `provenance` then lists these thresholds under FURTHER.
    """
    tensors = {
        f"{i.name}.{key}": array for i, arrays in sums.items() for key, array in arrays.items()
    }
    tensors["tokens"] = np.array([tokens], dtype=np.int64)
    groups = {i.name: {"block": i.block, "members": list(i.members)} for i in sums}
    metadata = {"tokens": str(tokens), "groups": json.dumps(groups, sort_keys=True), **provenance}
    write_tensors(path, tensors, metadata)


class StatisticsFiles:
    """Statistics of several calibration sets of one model, read input by input.

    Only one module input of all languages is in memory at a time. The order of `paths` carries no
    meaning: files are sorted by name.
    """

    def __init__(self, paths: list[Path | str]):
        """Open the files; raise InputError where they come from different models or settings."""
        self._paths = sorted(map(Path, paths), key=lambda path: path.name)
        self._stack = ExitStack()
        self._files = [self._stack.enter_context(opened_tensors(path)) for path in self._paths]
        self._metadata = metadata = [read_metadata(file) for file in self._files]
        for path, other in zip(self._paths, metadata, strict=True):
            if "groups" not in other:
                raise InputError(f"{path}: is not a statistics file, its metadata has no groups")
            if not other.get("tokens", "").isdecimal() or int(other["tokens"]) == 0:
                raise InputError(
                    f"{path}: is of {other.get('tokens')!r} tokens, at least 1 is needed; remove it"
                )
            for key in ("groups", "model", "activation_threshold"):
                if other.get(key) != metadata[0].get(key):
                    raise InputError(f"{path}: its {key} differs from that of {self._paths[0]}")
        groups = json.loads(metadata[0]["groups"])
        self.model = metadata[0].get("model")
        self.inputs = [
            ModuleInput(name, group["block"], tuple(group["members"]))
            for name, group in sorted(groups.items(), key=lambda item: (item[1]["block"], item[0]))
        ]
        self._input_of = {member: i for i in self.inputs for member in i.members}
        self._tokens = np.array([int(entry["tokens"]) for entry in metadata], dtype=np.float64)
        self._windows = [entry.get("windows") for entry in metadata]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @property
    def languages(self) -> list[str]:
        """Names of the calibration sets, sorted."""
        return [path.stem for path in self._paths]

    def must_belong_to(self, model: str) -> None:
        """Raise InputError unless the statistics come from the model with this fingerprint."""
        if self.model != model:
            raise InputError(f"{self._paths[0]}: was collected on another model or revision")

    def must_come_from(self, windows: list[Path]) -> None:
        """Raise InputError unless each was collected on these windows, sorted as `languages`."""
        for path, recorded, file in zip(self._paths, self._windows, windows, strict=True):
            if recorded != sha256_file(file):
                raise InputError(f"{path}: was collected on other windows than {file}; remove it")

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each file."""
        return {path.name: sha256_file(path) for path in self._paths}

    def input_of(self, parameter: str) -> ModuleInput:
        """The module input that a parameter is multiplied with."""
        if parameter not in self._input_of:
            raise InputError(f"{self._paths[0]}: has no statistics for {parameter}")
        return self._input_of[parameter]

    def read(self, module_input: ModuleInput, threshold: float | None = None) -> InputStatistics:
        """Sums of one module input over all languages; `active` at `threshold`, or the default.

        Raise InputError if activity was not counted at the threshold, or if they cannot be sums:
        they must be finite and not negative, and no channel active in more tokens than there are.
        """
        return InputStatistics(
            tokens=self._tokens,
            sum_sq=self._stacked(f"{module_input.name}.sum_sq"),
            active=self._stacked(f"{module_input.name}.{self._count_key(threshold)}", self._tokens),
            feeds_down_projection=is_down_projection(module_input.name),
        )

    def _count_key(self, threshold: float | None) -> str:
        if threshold is None:
            return "active"
        default = float(self._metadata[0]["activation_threshold"])
        if threshold == default:
            return "active"
        for path, metadata in zip(self._paths, self._metadata, strict=True):
            further = json.loads(metadata.get(FURTHER, "[]"))
            if threshold not in further:
                counted = ", ".join(f"{value:g}" for value in sorted({default, *further}))
                raise InputError(
                    f"{path}: activity is not counted at activation_threshold {threshold:g}, only "
                    f"at {counted}; collect the statistics with --activation-thresholds"
                )
        return count_key(threshold)

    def _stacked(self, key: str, most: np.ndarray | None = None) -> np.ndarray:
        rows: list[np.ndarray] = []
        limits = np.full(len(self._paths), np.inf) if most is None else most
        for path, file, limit in zip(self._paths, self._files, limits, strict=True):
            try:
                row = file.get_tensor(key)
            except SafetensorError as error:
                raise InputError(f"{path}: {key} cannot be read ({error})") from None
            if fault := _fault(row, len(rows[0]) if rows else row.size, limit):
                raise InputError(f"{path}: {key} {fault}; remove the file")
            rows.append(row)
        return np.stack(rows)


def _fault(row: np.ndarray, channels: int, limit: float) -> str | None:
    """Why `row` cannot be sums of what is not negative in each of `channels` channels."""
    if row.ndim != 1 or not 0 < row.size == channels:
        shape = "x".join(map(str, row.shape))
        return f"is {shape} numbers, not one for each of {channels} channels"
    if not np.isfinite(row).all():
        return "holds numbers that are not finite"
    if row.min() < 0:
        return "holds negative numbers"
    return f"counts {row.max():g} of {limit:g} tokens" if row.max() > limit else None
