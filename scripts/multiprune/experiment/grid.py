"""The grid of an experiment: which runs were measured, as `results/{experiment}/grid.json` has it.

It never lists the product of its axes, so it does not grow with the number of result files.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from multiprune.errors import InputError
from multiprune.files.json import read_json

DENSE = "dense"
CODE = "code"  # the calibration set that the contrast norm divides by
CALIBRATION, UNSEEN = "calibration", "unseen"
MASKS, WEIGHTS = "masks", "weights"  # folders of what pruning writes
# The rules that prune, by which benchmarks are filed.
PRUNE_MODEL = "prune_model"
PRUNE_SEQUENTIALLY, PRUNE_WITH_UPDATE = "prune_sequentially", "prune_with_update"
SPARSEGPT = "sparsegpt"  # the score of the methods that move weights
ROLES = (CALIBRATION, UNSEEN)
OURS, PUBLISHED = "ours", "published"  # whose the constants of a method are
YES, NO = "yes", "no"  # whether a method was calibrated on a language
UNSEEN_LANGUAGE, UNSEEN_FAMILY = "unseen-language", "unseen-family"
OTHER_TABLE = "table:"  # begins the name of another table among what a table reads
MARK = "\u2020"  # a dagger, at languages that the tokenizer hardly knows
OWN = "own"  # the languages of a method that is pruned for each of them
LANGUAGE_SETS = (CALIBRATION, UNSEEN_LANGUAGE, UNSEEN_FAMILY)


@dataclass(frozen=True)
class Grid:
    """What an experiment measured. Sparsities are strings as in paths; key order has no meaning."""

    seeds: list[int]
    languages: dict[str, dict]
    methods: dict[str, dict]
    # How runs are measured and compared; tables of masks and statistics do without.
    baseline: str = ""
    draws: int = 0
    confidence: float = 0.0
    split: str = ""
    length: int = 0
    # Share of unknown tokens above which a language is left out of means and claims.
    most_unknown_tokens: float = 1.0
    # What was evaluated downstream: reference, methods and tasks; empty without downstream tasks.
    downstream: dict = field(default_factory=dict)
    # For the tables that are of these: every calibration set, methods with constants to choose.
    calibration_sets: list[str] = field(default_factory=list)
    choosing: list[str] = field(default_factory=list)
    # What `method_facts.facts` says of each method, for claims.
    facts: dict[str, dict] = field(default_factory=dict)
    # What figures call methods, by their names; those without a label are called by their names.
    labels: dict[str, str] = field(default_factory=dict)
    # What was generated: languages and runs; empty without examples.
    examples: dict = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path | str) -> "Grid":
        """Read a `grid.json`."""
        return cls.of(read_json(path), str(path))

    @classmethod
    def of(cls, content: dict, where: str = "grid") -> "Grid":
        """The grid of `table_grids.whole_grid`, or of a part of it."""
        try:
            others = {key: value for key, value in content.items() if key != "resampling"}
            parsed = cls(**others | content.get("resampling", {}))
            dense = parsed.methods[DENSE]["seeds"][0]
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(
                f"{where}: cannot be read ({error}); see multiprune.experiment.grid.Grid"
            ) from None
        except (KeyError, IndexError) as error:
            raise InputError(f"{where}: {error} is missing; it needs dense") from None
        if dense not in parsed.seeds:
            raise InputError(f"{where}: dense has seed {dense}, allowed are {parsed.seeds}")
        return parsed

    @property
    def evaluated(self) -> list[str]:
        """The languages whose perplexity was measured, sorted; `languages` has the others, too."""
        entries = self.languages.items()
        return sorted(name for name, entry in entries if entry.get("evaluated", True))

    def marking(self, languages: Iterable[str]) -> "Grid":
        """The same grid with a mark at these languages' names."""
        marked = {name: self.languages[name] | {"mark": MARK} for name in languages}
        return replace(self, languages=self.languages | marked)

    def corpus(self, language: str) -> str:
        """The corpus of a language's text; empty where all languages have theirs from one."""
        return self.languages[language].get("corpus", "")

    def config_role(self, language: str) -> str:
        """The role that the config gives a language."""
        return self.languages[language]["role"]

    def language_set(self, language: str) -> str:
        """How far a language is from those that can calibrate.

        The calibration languages themselves; others of their families, or of no known family; and
        those of other families.
        """
        if self.config_role(language) == CALIBRATION:
            return CALIBRATION
        return UNSEEN_FAMILY if self.languages[language].get("new_family") else UNSEEN_LANGUAGE

    def calibrated_on(self, method: str, language: str) -> str:
        """`yes` if the method saw the language, alone or in a pair, else `no`.

        Methods that choose their languages by the statistics of all in the pool saw them all.
        """
        entries = self.methods[self.measured_method(method, language)].get("calibration", [])
        return YES if any(self._contains(entry, language) for entry in entries) else NO

    def _contains(self, entry: str, language: str) -> bool:
        if entry == language:
            return True
        in_pair = entry.startswith(f"{language}-") or entry.endswith(f"-{language}")
        return in_pair and entry not in self.languages

    def is_whole(self, method: str) -> bool:
        """Whether a method is pruned for each of some languages, so that its masks are members'."""
        return "members" in self.methods.get(method, {})

    def is_member(self, method: str) -> bool:
        """Whether a method is a member of one that is pruned for each of some languages."""
        return "member_of" in self.methods.get(method, {})

    def measured_method(self, method: str, language: str) -> str:
        """The method under which a method's results in a language are stored: itself, or a member.

        A member is what a method that is pruned for each of some languages is in one of them.
        """
        return self.methods.get(method, {}).get("members", {}).get(language, method)

    def languages_of(self, method: str, languages: Iterable[str]) -> list[str]:
        """Those of some languages in which a method has results: all, or its own."""
        settings = self.methods.get(method, {})
        if self.is_member(method):
            whole = self.methods[settings["member_of"]]["members"]
            return [name for name in languages if whole.get(name) == method]
        own = settings.get("members")
        return [name for name in languages if own is None or name in own]

    def measured_seed(self, method: str, seed: int) -> int | None:
        """The seed under which a method's result for `seed` is stored, None if it has none.

        Methods without calibration do not depend on the seed: their one result serves all.
        """
        settings = self.methods[method]
        if seed in settings["seeds"]:
            return seed
        return settings["seeds"][0] if not settings.get("calibration") else None

    def artefact(self, method: str) -> str:
        """Folder of what a method writes: masks, or weights where those that it keeps move too."""
        return self.methods[method].get("artefact", MASKS)

    def rule(self, method: str) -> str:
        """The rule that prunes with a method."""
        return self.methods[method].get("rule", PRUNE_MODEL)

    def statistics(self, method: str) -> list[str]:
        """The calibration sets whose statistics, of the dense model, a method reads.

        A sequential method has others of its own, and reads these for its allocation at most.
        """
        settings = self.methods[method]
        return settings.get("statistics", settings.get("calibration", []))

    def pruned(self) -> Iterator[tuple[str, str, int]]:
        """Every (method, sparsity, seed) but dense, sorted."""
        for method in sorted(self.methods):
            settings = self.methods[method]
            if method != DENSE and not self.is_whole(method):
                for sparsity in sorted(settings["sparsities"], key=float):
                    yield from ((method, sparsity, seed) for seed in sorted(settings["seeds"]))
