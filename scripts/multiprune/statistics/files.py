"""Statistics on disk, one file per (model, seed, calibration set), and several of them as one."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from multiprune.errors import InputError
from multiprune.files.hashes import sha256_file
from multiprune.files.tensors import TensorFile, write_tensors
from multiprune.models.architectures import is_down_projection
from multiprune.statistics.readings import Absolute

RESIDUAL = "residual."
COUNTED, ABOVE = "counted_at", "counted_above"  # in the metadata: thresholds, where there are any


@dataclass(frozen=True)
class LanguageStatistics:
    """Sums of one module input over the tokens of one language. What is derived is per token.

    `active` counts at the activation threshold that was asked for, `total` is the further sum that
    was; None where none was.
    """

    name: str
    tokens: float
    sum_sq: np.ndarray  # (channels,)
    active: np.ndarray | None = None  # (channels,)
    total: np.ndarray | None = None  # (channels,)

    @property
    def mean_square(self) -> np.ndarray:
        """Mean of x_tj^2 over the language's tokens, [channels]."""
        return self.sum_sq / self.tokens

    @property
    def norm(self) -> np.ndarray:
        """n_j^l, the root of the mean square, [channels]."""
        return np.sqrt(self.mean_square)

    @property
    def mean(self) -> np.ndarray:
        """Mean over tokens of what `total` sums, [channels]."""
        return self.total / self.tokens

    @property
    def activation_probability(self) -> np.ndarray:
        """Share p_j^l of the language's tokens with channel j active, [channels]."""
        return self.active / self.tokens


@dataclass(frozen=True)
class InputStatistics:
    """Statistics of one module input: iterating gives the languages, each time from the first.

    They need not be in memory together: `languages` reads or holds them.
    """

    languages: Callable[[], Iterator[LanguageStatistics]]
    feeds_down_projection: bool = False

    def __iter__(self) -> Iterator[LanguageStatistics]:
        return self.languages()

    @property
    def norms(self) -> np.ndarray:
        """n_j^l of all languages, [languages, channels]."""
        return np.stack([language.norm for language in self])


@dataclass(frozen=True)
class ModuleInput:
    """A distinct module input: its name, block, and the parameters of all modules that read it."""

    name: str
    block: int
    members: tuple[str, ...]


def count_key(threshold: float, default: float) -> str:
    """Name of the count at a threshold; that at the config's own is called `active`."""
    if isinstance(threshold, Absolute):
        return f"above@{float(threshold)!r}"
    return "active" if threshold == default else f"active@{float(threshold)!r}"


def write_statistics(
    path: Path | str,
    sums: dict[ModuleInput, dict[str, np.ndarray]],
    tokens: int,
    provenance: dict[str, str],
    residual: Sequence[np.ndarray] = (),
) -> None:
    """Write `{input}.sum_sq` and the counts (float64 [channels]), and `tokens`.

    The layers of ResidualNorms become `residual.0` and so on (float64 [dimensions]).

    A count is `{input}.active`, `{input}.active@0.5` or, of an absolute threshold,
    `{input}.above@0.5`; `provenance` lists the thresholds under COUNTED and ABOVE, and names that
    of `active` as activation_threshold. Further sums are `{input}.sum` and `{input}.sum_abs`.
    """
    tensors = {
        f"{i.name}.{key}": array for i, arrays in sums.items() for key, array in arrays.items()
    }
    tensors |= {f"{RESIDUAL}{layer}": norms for layer, norms in enumerate(residual)}
    tensors["tokens"] = np.array([tokens], dtype=np.int64)
    groups = {i.name: {"block": i.block, "members": list(i.members)} for i in sums}
    metadata = {"tokens": str(tokens), "groups": json.dumps(groups, sort_keys=True), **provenance}
    write_tensors(path, tensors, metadata)


class StatisticsFiles:
    """Statistics of several calibration sets of one model, read input by input.

    Only one module input of one language is in memory at a time. The order of `paths` carries no
    meaning: files are sorted by name.
    """

    def __init__(self, paths: list[Path | str]):
        """Open the files; raise InputError where they come from different models or settings."""
        self._paths = sorted(map(Path, paths), key=lambda path: path.name)
        self._files: list[TensorFile] = []
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        metadata = [file.metadata for file in self._files]
        self._metadata = metadata
        groups = json.loads(metadata[0]["groups"])
        self.model = metadata[0].get("model")
        self.inputs = [
            ModuleInput(name, group["block"], tuple(group["members"]))
            for name, group in sorted(groups.items(), key=lambda item: (item[1]["block"], item[0]))
        ]
        self._input_of = {member: i for i in self.inputs for member in i.members}
        self._tokens = [float(entry["tokens"]) for entry in metadata]
        self._windows = [entry.get("windows") for entry in metadata]

    def _open(self) -> None:
        for path in self._paths:
            self._files.append(file := TensorFile(path, *self._files[:1]))
            if "groups" not in file.metadata:
                raise InputError(f"{path}: is not a statistics file, its metadata has no groups")
            tokens = file.metadata.get("tokens", "")
            if not tokens.isdecimal() or int(tokens) == 0:
                raise InputError(
                    f"{path}: is of {file.metadata.get('tokens')!r} tokens, at least 1 is needed; "
                    "remove it"
                )
            for key in ("groups", "model", "activation_threshold"):
                if file.metadata.get(key) != self._files[0].metadata.get(key):
                    raise InputError(f"{path}: its {key} differs from that of {self._paths[0]}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()

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

    def read(
        self,
        module_input: ModuleInput,
        counts: bool = False,
        threshold: float | None = None,
        absolute: bool = False,
        further: str | None = None,
    ) -> InputStatistics:
        """Sums of one module input, read as they are asked for.

        With `counts` also those at `threshold`, the config's own where that is None; with `further`
        the sum of that name. Raise InputError if activity was not counted at it, or, while reading,
        if they cannot be sums: they must be finite, those of squares and counts not negative, and
        no channel active in more tokens than there are.
        """
        count = self._count_key(threshold, absolute) if counts else None

        def languages() -> Iterator[LanguageStatistics]:
            channels = None
            for file, tokens in zip(self._files, self._tokens, strict=True):
                sum_sq = _sums(file, f"{module_input.name}.sum_sq", channels)
                channels = len(sum_sq)
                active = None
                if count is not None:
                    active = _sums(file, f"{module_input.name}.{count}", channels, tokens)
                total = None
                if further is not None:
                    total = _sums(file, f"{module_input.name}.{further}", channels, least=-np.inf)
                yield LanguageStatistics(file.path.stem, tokens, sum_sq, active, total)

        return InputStatistics(languages, is_down_projection(module_input.name))

    @property
    def residual_layers(self) -> int:
        """Layers of the residual stream: one more than blocks. InputError if there are none."""
        layers = {sum(name.startswith(RESIDUAL) for name in file.names) for file in self._files}
        if layers & {0} or len(layers) > 1:
            raise InputError(f"{self._paths[0]}: has no norms of the residual stream; remove it")
        return layers.pop()

    def read_residual(self, layer: int) -> np.ndarray:
        """Norms of the dimensions of one layer, [calibration sets, dimensions], as `languages`."""
        return np.stack([_sums(file, f"{RESIDUAL}{layer}", None) for file in self._files])

    def _count_key(self, threshold: float | None, absolute: bool) -> str:
        default = float(self._metadata[0]["activation_threshold"])
        threshold = default if threshold is None else threshold
        for path, metadata in zip(self._paths, self._metadata, strict=True):
            counted = json.loads(metadata.get(ABOVE if absolute else COUNTED, "[]"))
            if threshold not in counted:
                found = ", ".join(f"{value:g}" for value in counted) or "none"
                raise InputError(
                    f"{path}: activity is not counted at activation_threshold {threshold:g}, only "
                    f"at {found}; collect the statistics with "
                    f"--{'absolute' if absolute else 'activation'}-thresholds"
                )
        return count_key(Absolute(threshold) if absolute else threshold, default)


def _sums(
    file: TensorFile,
    key: str,
    channels: int | None,
    limit: float = np.inf,
    least: float = 0,
) -> np.ndarray:
    """What stands under `key`, from `least` to `limit`; [channels], any number if None."""
    row = file.read(key)
    if fault := _fault(row, row.size if channels is None else channels, limit, least):
        raise InputError(f"{file.path}: {key} {fault}; remove the file")
    return row


def _fault(row: np.ndarray, channels: int, limit: float, least: float) -> str | None:
    """Why `row` cannot be sums of what is not below `least` in each of `channels` channels."""
    if row.ndim != 1 or not 0 < row.size == channels:
        shape = "x".join(map(str, row.shape))
        return f"is {shape} numbers, not one for each of {channels} channels"
    if not np.isfinite(row).all():
        return "holds numbers that are not finite"
    if row.min() < least:
        return "holds negative numbers"
    return f"counts {row.max():g} of {limit:g} tokens" if row.max() > limit else None


def input_names(inputs: list[ModuleInput]) -> dict[ModuleInput, str]:
    """The last part of each module's name; the last two where that is not unique in a block.

    GPT-2, for example, has attn.c_proj and mlp.c_proj.
    """
    last = {(i.block, i.name.split(".")[-1]) for i in inputs}
    parts = 1 if len(last) == len(inputs) else 2
    return {i: ".".join(i.name.split(".")[-parts:]) for i in inputs}
