"""The image that jobs run in, where Snakemake is told to start them with Apptainer."""

import os

from multiprune.errors import InputError


def check_container(image: str | None, deployed: bool) -> None:
    """InputError if jobs would be started in an image (`deployed`) that is not there.

    Without a name Snakemake would start them in its own environment, and say nothing.
    """
    if not deployed:
        return
    if image is None:
        raise InputError(
            "compute.container is missing, the image that --sdm apptainer runs jobs in; give a "
            "file or docker://NAME:TAG"
        )
    if "://" not in image and not os.path.exists(image):
        raise InputError(
            f"compute.container: {image}: no such file; build it (docs/cluster.md) or name another"
        )
