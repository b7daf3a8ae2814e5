"""A whole config: the keys at its top and the sections that belong to no other file."""

from typing import Annotated, Literal

from pydantic import Field, PrivateAttr

from multiprune.experiment.settings.corpora import Corpus
from multiprune.experiment.settings.evaluation import Evaluation
from multiprune.experiment.settings.languages import Language, LanguageCode
from multiprune.experiment.settings.methods import Calibrated, Method, member_name
from multiprune.experiment.settings.models import Model, ModelName
from multiprune.experiment.settings.section import Section
from multiprune.experiment.settings.values import (
    CorpusName,
    Seed,
    Slug,
    Sparsities,
    Whole,
    WindowLength,
    distinct,
    whole,
)

NO_CLAIMS = "none"
SetSize = whole(1, 100_000)


class Demonstrations(Section):
    """Few-shot demonstrations that pairs (en-fr, fr-fr) in a method's calibration stand for."""

    corpus: str = Field(description="Parallel corpus; equal paragraph ids are translations.")
    shots: Whole = Field(4, ge=1, le=1000, description="Demonstrations in a sample.")
    samples: SetSize = Field(100, description="Number of samples per pair and seed.")
    length: WindowLength = Field(512, description="Tokens of a sample at most.")


class ContrastSet(Section):
    """The contrast set of the norm contrast, drawn like the text of a language."""

    corpus: str = Field(description="Corpus that holds program code.")
    text: str = Field(
        "*",
        pattern="^[A-Za-z0-9._*?-]+$",
        max_length=100,
        description="The code's name in the corpus; for python_library a pattern of module names.",
    )


class CalibrationText(Section):
    """How much calibration text is drawn per language and seed."""

    samples: SetSize = Field(8, description="Number of windows per language and seed.")
    length: WindowLength = Field(128, description="Tokens in a window, its start token among them.")
    start_token: Literal["none", "read", "count"] = Field(
        "count",
        description="Whether windows and demonstrations begin with the token that the tokenizer "
        "begins texts with, as all texts of the evaluation do: none; read: it is there, its "
        "activations do not count; count: they do. Tokenizers that begin texts with nothing are "
        "not concerned.",
    )
    demonstrations: Demonstrations | None = None
    code: ContrastSet | None = None


class Statistics(Section):
    """What is counted while calibration text passes through the dense model."""

    activation_threshold: float = Field(
        1.0,
        gt=0,
        le=100,
        description="tau: a channel is active at a token where |x| > tau * rms(x). Also counted is "
        "each tau that a method's norm.activation_threshold names, or lists in choose.",
    )


class Compute(Section):
    """What jobs compute on, and how work is cut into batches.

    Changes numbers only in the last digits, and sequential masks only where scores nearly tie.
    """

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto",
        description="What jobs that hold a model compute on. auto: a GPU where there is one; a job "
        "that was given a GPU and cannot use it ends with one line.",
    )
    gpu_memory_gb: float = Field(
        80.0,
        gt=0,
        le=10_000,
        description="Memory of a GPU of the cluster. A model with more than 85% of it in weights "
        "asks for several.",
    )
    gpu_teraflops: float = Field(
        100.0,
        gt=0,
        le=1e6,
        description="10^12 floating-point operations a second that a forward pass reaches on a GPU "
        "of the cluster, which estimates of GPU hours divide by. 100: about an A100.",
    )
    most_minutes: Whole = Field(
        1440,
        ge=1,
        le=100_000,
        description="Time limit of a job at most, whatever its model's size and attempt, such as "
        "the limit of the cluster's partition.",
    )
    batch_tokens: Whole = Field(
        2048,
        ge=1,
        le=10_000_000,
        description="Tokens that pass through a model at a time; lower it when memory is short.",
    )
    activation_memory_gb: float = Field(
        8.0,
        ge=0,
        le=100_000,
        description="GPU memory for activations with propagation sequential; the rest stays in "
        "host memory.",
    )
    container: str | None = Field(
        None,
        # Snakemake writes it into a command of the shell as it is.
        pattern="^[A-Za-z0-9._/][A-Za-z0-9._/:@+-]*$",
        max_length=1000,
        description="Image that jobs run in with --sdm apptainer, a file or docker://NAME:TAG.",
    )


class Resampling(Section):
    """Intervals, by resampling the test windows."""

    draws: Whole = Field(2000, ge=100, le=1_000_000, description="Number of bootstrap draws.")
    confidence: float = Field(0.95, gt=0, lt=1, description="Share of draws inside an interval.")


class ConstantSource(Section):
    """Where a constant comes from."""

    verified: bool = Field(description="Whether the source confirms the constant.")
    source: str = Field(min_length=1, description="Paper, code or reasoning it comes from.")
    page: Whole | None = Field(None, ge=1, le=10_000, description="Page of the paper.")


class Experiment(Section):
    """Configuration of an experiment."""

    experiment: Slug = Field(
        description="Name of the experiment; its results go to results/{experiment}/."
    )
    models: dict[ModelName, Model] = Field(
        min_length=1,
        max_length=1000,
        description="Models to prune, by a name of your choice. A name stands for one definition "
        "for ever.",
    )
    corpora: dict[CorpusName, Corpus] = Field(
        min_length=1,
        max_length=1000,
        description="Where text comes from, by a name of your choice.",
    )
    languages: dict[LanguageCode, Language] = Field(
        min_length=1,
        max_length=1000,
        description="Languages by a short code, one line each. The order carries no meaning.",
    )
    calibration: CalibrationText = CalibrationText()
    statistics: Statistics = Statistics()
    compute: Compute = Compute()
    seeds: Annotated[list[Seed], *distinct(1000)] = Field(
        [0],
        description="Seeds of the calibration draws; every method is repeated for each.",
    )
    sparsities: Sparsities = Field(
        [0.5], description="Shares of weights to prune, unless a method has its own."
    )
    baseline: str = Field(description="Method that the others are compared with.")
    methods: dict[Slug, Method] = Field(
        min_length=1,
        max_length=1000,
        description="Methods by a name of your choice, each a choice on seven axes "
        "(docs/method.md).",
    )
    evaluation: Evaluation = Evaluation()
    figures: Annotated[list[str], *distinct(100)] | None = Field(
        None,
        description="Figures to draw, by name; if left out all but those of experiments with many "
        "languages.",
    )
    claims: str = Field(
        "claims.yaml",
        pattern="^(none|[a-z0-9][a-z0-9_-]*[.]yaml)$",
        description="File in config/ that states the claims to judge; none: no claims, so neither "
        "their table nor their figure.",
    )
    resampling: Resampling = Resampling()
    sources: dict[Annotated[str, Field(pattern="^[A-Za-z0-9_.-]+$")], ConstantSource] = Field(
        {},
        description="Where a constant comes from, by its path in this file "
        "(methods.owl.allocation.strength).",
    )
    # Methods with for_each, as the config has them; in `methods` stand their members.
    _for_each_language: dict[str, Calibrated] = PrivateAttr(default_factory=dict)

    @property
    def for_each_language(self) -> dict[str, Calibrated]:
        """The methods that are pruned for each of some languages, by name."""
        return self._for_each_language

    def with_members(
        self, wholes: dict[str, Calibrated], members: dict[str, Method]
    ) -> "Experiment":
        """The experiment with members in place of the methods that they are of."""
        others = {name: method for name, method in self.methods.items() if name not in wholes}
        changed = self.model_copy(update={"methods": others | members})
        changed._for_each_language = wholes
        return changed

    def plain(self) -> dict:
        """The config as YAML would hold it, in which methods with for_each are one each."""
        whole = super().plain()
        members = {
            member_name(name, language)
            for name, method in self.for_each_language.items()
            for language in method.for_each
        }
        methods = {name: entry for name, entry in whole["methods"].items() if name not in members}
        own = {name: method.plain() for name, method in self.for_each_language.items()}
        return whole | {"methods": methods | own}
