"""Which build of torch is taken, from an index on this machine that has tiny wheels of it."""

import contextlib
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_wheels import write_wheel

import install_torch
from multiprune.errors import InputError

PIN = "torch==2.13.0"


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which a folder is served."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/whl/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def index(tmp_path) -> Iterator[str]:
    """PyTorch's index with a build for CPUs and one for CUDA 12.6."""
    for build in ("cpu", "cu126"):
        page = tmp_path / "whl" / build / "torch"
        name = write_wheel(page, "torch", f"2.13.0+{build}").name
        (page / "index.html").write_text(f'<a href="{name.replace("+", "%2B")}">{name}</a>')
    with served(tmp_path) as address:
        yield address


def machine(monkeypatch, driver: bool, cuda: int | None = None) -> None:
    monkeypatch.setattr(install_torch, "has_driver", lambda: driver)
    monkeypatch.setattr(install_torch, "cuda_of_driver", lambda: cuda)


@pytest.mark.parametrize(
    ("driver", "cuda", "build"),
    [
        (False, None, "cpu"),
        (True, 12, "cu126"),  # one for 12.8 would be taken first, but there is none
        (True, 13, None),
        (True, 14, None),
        (True, None, None),  # a driver that does not say: as pip does it
    ],
)
def test_the_build_that_the_machine_can_use(monkeypatch, index, driver, cuda, build):
    machine(monkeypatch, driver, cuda)
    assert install_torch.find(index, PIN) == build


@pytest.mark.parametrize(
    ("cuda", "requirement", "line"),
    [
        (11, PIN, "has no torch==2.13.0 for cu118; pip takes its own index's"),
        (12, "torch==2.13", "has no torch==2.13 for cu129 or cu128 or cu126 or cu118"),
    ],
)
def test_an_index_without_the_build_says_so(monkeypatch, capsys, index, cuda, requirement, line):
    machine(monkeypatch, True, cuda)
    assert install_torch.find(index, requirement) is None
    assert line in capsys.readouterr().out


def test_an_index_that_does_not_answer_costs_one_line(monkeypatch, capsys, index):
    machine(monkeypatch, driver=False)
    with served(Path()) as gone:
        pass
    assert install_torch.find(gone, PIN) is None
    (line,) = capsys.readouterr().out.splitlines()
    assert "does not answer" in line
    assert line.endswith("pip takes torch from its own index")


def test_pip_downloads_the_build_alone(monkeypatch, tmp_path, index):
    machine(monkeypatch, driver=False)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"numpy==2.4.6\n{PIN} # pinned\n")
    options = ["--requirements", requirements, "--index", index, "--wheels", tmp_path / "wheels"]
    monkeypatch.setattr(sys, "argv", ["install_torch", *map(str, options)])
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    install_torch.main()
    names = [path.name for path in (tmp_path / "wheels").iterdir()]
    assert names == ["torch-2.13.0+cpu-py3-none-any.whl"]


def test_a_folder_of_wheels_is_not_compared_with_any_index(monkeypatch, capsys, tmp_path):
    machine(monkeypatch, driver=False)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(PIN)
    options = ["--requirements", str(requirements), "--index", "no address"]
    monkeypatch.setattr(sys, "argv", ["install_torch", *options])
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    install_torch.main()
    assert capsys.readouterr().out == ""


def test_torch_must_be_pinned(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("torchvision==1\n# torch==1\n")
    with pytest.raises(InputError, match="pins no version of torch"):
        install_torch.pinned(path)


def test_it_needs_nothing_but_python():
    """It is the first that runs in a new environment."""
    script = Path(install_torch.__file__)
    start = f"import runpy, sys; sys.path.insert(0, {str(script.parent)!r}); "
    start += f"sys.argv = ['x', '-h']; runpy.run_path({str(script)!r}, run_name='__main__')"
    command = [sys.executable, "-S", "-I", "-c", start]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("usage: "), done.stderr
