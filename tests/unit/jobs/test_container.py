from pathlib import Path

import pytest

from multiprune.errors import InputError
from multiprune.jobs.container import check_container


def test_an_image_counts_only_where_jobs_run_in_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_container(None, deployed=False)
    check_container("none.sif", deployed=False)
    check_container("docker://multiprune:1", deployed=True)
    with pytest.raises(InputError, match=r"^compute.container is missing"):
        check_container(None, deployed=True)
    with pytest.raises(InputError, match=r"^compute.container: none.sif: no such file"):
        check_container("none.sif", deployed=True)
    Path("none.sif").touch()
    check_container("none.sif", deployed=True)
