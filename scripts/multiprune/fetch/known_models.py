"""Models that are on this machine already, held against the experiment before any job."""

from pathlib import Path

from multiprune.errors import InputError
from multiprune.experiment.demands import demands
from multiprune.experiment.settings.experiment import Experiment
from multiprune.fetch.fit import check_fit
from multiprune.models.architectures import architecture_of


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
