"""Every kind of result names versions, seeds and the hashes of its inputs, tables their code.

Windows, statistics, masks and records do not: the same numbers of other code are the same file.

Views say nothing of themselves: tables/*.html is written from the table of that name, a caption by
the job of its figure. Each has its SHA-256 beside it.
"""

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from safetensors import safe_open
from workflow.expected import MODEL
from workflow.running import Workflow

from multiprune.files.checksums import origin_of
from multiprune.files.hashes import sha256_file
from multiprune.files.json import read_json
from multiprune.files.manifests import fingerprint, read_manifest
from multiprune.jobs.code_digest import code_digest
from multiprune.registry import constants

RUN = "results/tiny/tiny-llama/seed0"
SHA256 = re.compile(r"[0-9a-f]{64}")
VIEWS = {".md", ".tex", ".rst", ".html"}


def metadata(path: Path) -> dict:
    """Metadata of a safetensors file, JSON decoded where it is."""
    with safe_open(path, framework="np") as file:
        found = file.metadata()
    return {
        key: json.loads(value) if value.startswith(("{", "[")) else value
        for key, value in found.items()
    }


def scripts(workflow: Workflow, name: str, *named: str) -> str:
    return code_digest(workflow.folder / "scripts" / name, named)


def model_of(workflow: Workflow) -> str:
    manifest = workflow.folder / "resources/models/tiny-llama/manifest.json"
    return fingerprint(read_manifest(manifest))


def text_of(workflow: Workflow, language: str, split: str) -> str:
    return sha256_file(workflow.folder / f"resources/corpora/words/{language}/{split}.jsonl")


def files(workflow: Workflow, pattern: str) -> list[Path]:
    """Files below the results that match, at least one."""
    found = sorted((workflow.folder / "results/tiny").glob(pattern))
    assert found, pattern
    return found


def names_versions(versions: dict, *packages: str) -> bool:
    return versions.keys() >= set(packages) and all(
        re.match(r"\d+\.\d+", value) for value in versions.values()
    )


def test_windows(finished: Workflow):
    for path in files(finished, "tiny-llama/seed0/calibration/*.safetensors"):
        found = metadata(path)
        assert found["seed"] == "0"
        assert found["text"] == text_of(finished, path.stem, "calibration")
        assert found["model"] == model_of(finished)
        assert "code" not in found
        assert names_versions(found["versions"], "tokenizers", "transformers", "numpy")


def test_statistics(finished: Workflow):
    for path in files(finished, "tiny-llama/seed0/statistics/*.safetensors"):
        found = metadata(path)
        assert found["seed"] == "0"
        assert found["windows"] == sha256_file(path.parents[1] / "calibration" / path.name)
        assert found["model"] == model_of(finished)
        assert "code" not in found
        assert names_versions(found["versions"], "torch", "transformers")


@pytest.mark.parametrize(
    ("method", "languages"),
    [("magnitude", []), ("wanda-en", ["en"]), ("wanda", ["de", "en"]), ("m-wanda", ["de", "en"])],
)
def test_masks(finished: Workflow, method: str, languages: list[str]):
    for path in files(finished, f"tiny-llama/seed0/masks/{method}/*.safetensors"):
        found = metadata(path)
        assert (found["method"], found["seed"]) == (method, "0")
        statistics = path.parents[2] / "statistics"
        assert found["inputs"] == {"model": model_of(finished)} | {
            f"{name}.safetensors": sha256_file(statistics / f"{name}.safetensors")
            for name in languages
        }
        assert "code" not in found
        assert names_versions(found["versions"], "torch", "numpy")


def test_perplexity_records(finished: Workflow):
    records = files(finished, "tiny-llama/seed0/perplexity/*/*/*.json")
    assert len(records) == 18
    for path in records:
        found = read_json(path)
        origin = found["provenance"]
        assert found["seed"] == 0
        assert origin["model"] == model_of(finished)
        assert "code" not in origin
        assert SHA256.fullmatch(origin["tokens"])
        assert origin["text"] == text_of(finished, found["language"], "test")
        assert (origin["mask"] is None) == (found["method"] == "dense")
        assert origin["mask"] is None or SHA256.fullmatch(origin["mask"])
        assert names_versions(origin["versions"], "torch", "transformers", "tokenizers")


def test_kept_records(finished: Workflow):
    for path in files(finished, "tiny-llama/cache/*.json"):
        assert read_json(path)["depends_on"].keys() >= {
            "code",
            "model",
            "mask",
            "tokens",
            "versions",
        }


TABLES = {
    "perplexity": (rf"{RUN}/perplexity/.*\.json", 18),
    "summary": (rf"{RUN}/perplexity/.*\.json", 18),
    "allocation": (rf"{RUN}/masks/.*\.json", 5),
    "correlation": (rf"{RUN}/statistics/.*\.safetensors", 2),
    "overlap": (rf"{RUN}/statistics/.*\.safetensors", 2),
    "claims": (r"config/claims\.yaml|results/tiny/.*\.jsonl?", None),
}


def check_inputs(workflow: Workflow, inputs: dict[str, str]) -> None:
    assert inputs
    for name, recorded in inputs.items():
        assert recorded == sha256_file(workflow.folder / name), name


def test_tables(finished: Workflow):
    paths = files(finished, "tables/by_model/tiny-llama/*.csv")
    assert {path.stem for path in paths} == TABLES.keys()
    for path in paths:
        pattern, count = TABLES[path.stem]
        origin = read_json(origin_of(path))
        check_inputs(finished, origin["inputs"])
        assert all(re.fullmatch(pattern, name) for name in origin["inputs"]), path
        assert count in (None, len(origin["inputs"]))
        assert origin["seeds"] == [0]
        assert origin["code"] == scripts(finished, "tabulate_results.py", f"tables.{path.stem}")
        assert names_versions(origin["versions"], "numpy", "pandas", "scipy")


def test_claims_name_the_claims_and_the_records(finished: Workflow):
    inputs = read_json(origin_of(files(finished, "tables/by_model/*/claims.csv")[0]))["inputs"]
    assert "config/claims.yaml" in inputs
    assert any(name.startswith(f"{RUN}/perplexity/") for name in inputs)


def test_joined_tables(finished: Workflow):
    paths = files(finished, "tables/*.csv")
    assert {path.stem for path in paths} == TABLES.keys()
    for path in paths:
        origin = read_json(origin_of(path))
        assert list(origin["inputs"]) == [f"results/tiny/tables/by_model/tiny-llama/{path.name}"]
        check_inputs(finished, origin["inputs"])
        assert origin["code"] == scripts(finished, "join_tables.py")


def test_documents_on_claims(finished: Workflow):
    for name in ("tables/claims.md", "tables/claims.tex", "captions/claims.rst"):
        origin = read_json(origin_of(finished.folder / "results/tiny" / name))
        assert list(origin["inputs"]) == ["results/tiny/tables/claims.csv"]
        check_inputs(finished, origin["inputs"])
        assert origin["code"] == scripts(finished, "write_claims.py")


def test_the_results_in_words(finished: Workflow):
    origin = read_json(origin_of(finished.folder / "results/tiny/captions/findings.rst"))
    assert list(origin["inputs"]) == ["results/tiny/tables/summary.csv"]
    check_inputs(finished, origin["inputs"])
    assert origin["code"] == scripts(finished, "write_findings.py")


def test_views_have_their_hash_beside_them(finished: Workflow):
    views = [
        path
        for pattern in ("tables/*", "captions/*", "figures/*")
        for path in files(finished, pattern)
        if path.suffix in VIEWS | {".png", ".pdf"} and not path.name.startswith(".")
    ]
    assert {path.suffix for path in views} == VIEWS | {".png", ".pdf"}
    for path in views:
        assert read_json(origin_of(path))["sha256"] == sha256_file(path)


def test_figures(finished: Workflow):
    for path in files(finished, "figures/*.png"):
        with Image.open(path) as image:
            text = image.text["Comment"]
        origin = json.loads(text)
        check_inputs(finished, origin["inputs"])
        figure = path.stem.removesuffix(f"-{MODEL}")
        of_model = f"results/tiny/tables/by_model/{MODEL}"
        tables = {f"{of_model}/{name}.csv" for name in constants("figures", figure)["TABLES"]}
        assert set(origin["inputs"]) == tables
        assert origin["seeds"] == [0]
        assert origin["code"] == scripts(finished, "draw_figure.py", f"figures.{figure}")
        assert names_versions(origin["versions"], "matplotlib", "numpy", "pandas")
        assert f'"code": "{origin["code"]}"'.encode() in path.with_suffix(".pdf").read_bytes()


def test_no_kind_of_result_is_left_out(finished: Workflow):
    """Everything below results/ that is not a log, a time or a view is looked at above."""
    covered = (
        r"tiny-llama/(seed0/(calibration|statistics|masks|perplexity)|cache)/|tables/|figures/"
        r"|captions/|grid\.json"
    )
    left = [
        name
        for name in finished.files("results/tiny")
        if not name.startswith(("logs/", "benchmarks/"))
        and Path(name).suffix not in VIEWS
        and not re.match(covered, name)
    ]
    assert left == []
