"""Models and text on this machine, held against the experiment before any job."""

from functools import partial
from pathlib import Path

from multiprune.errors import InputError
from multiprune.experiment.demands import demands
from multiprune.experiment.downloads import model_definition, text_definitions
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.settings.models import LocalModel
from multiprune.fetch.fit import check_fit
from multiprune.fetch.models import local
from multiprune.files.manifests import MANIFEST
from multiprune.files.writing import scratch_folder
from multiprune.models.architectures import architecture_of
from multiprune.registry import unknown_name


def check_known(experiment: Experiment, models: Path | str) -> None:
    """`check_fit` for all models that are on this machine; `models` is the folder of downloads.

    A folder that is no model, or cannot be read, is let be: the job that fetches it says why.
    """
    for name, model in experiment.models.items():
        folder = Path(getattr(model, "folder", f"{models}/{name}")).expanduser()
        try:
            architecture_of(folder)
        except (InputError, OSError):
            continue
        check_fit(name, folder, demands(experiment, name))


def check_local_models(experiment: Experiment) -> None:
    """Raise InputError for a model's folder of one's own that its job would refuse."""
    for name, model in experiment.models.items():
        if isinstance(model, LocalModel) and Path(model.folder).expanduser().is_dir():
            fits = partial(check_fit, name, asked=demands(experiment, name))
            with scratch_folder() as folder:
                local.fetch(model_definition(experiment, name), folder, fits)


def check_sources_there(experiment: Experiment, resources: Path | str) -> None:
    """Raise InputError for the first folder of a model or file of text that is not there.

    What was taken over into `resources`, the folder of downloads, needs its source no more.
    """
    resources = Path(resources)
    for name, model in experiment.models.items():
        if isinstance(model, LocalModel) and not _taken(resources / "models" / name):
            folder = Path(model.folder).expanduser()
            if not folder.is_dir():
                raise InputError(
                    f"models.{name}.folder: {folder}: no such folder; give one that holds "
                    "config.json, *.safetensors and a tokenizer"
                )
    for text, entry in text_definitions(experiment).items():
        if entry["source"] and not _taken(resources / "corpora" / text):
            _check_text(entry["corpus_name"], text.rpartition("/")[2], Path(entry["source"]))


def _taken(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()


def _check_text(corpus: str, language: str, file: Path) -> None:
    if not file.parent.is_dir():
        raise InputError(f"corpora.{corpus}.folder: {file.parent}: no such folder")
    if not file.exists():
        there = sorted(path.stem for path in file.parent.glob(f"*{file.suffix}"))
        found = unknown_name("text", file.stem, there)
        raise InputError(f"languages.{language}: {file}: no such file; {found}")
