"""Names that files state, joined to a folder."""

import json

import pytest

from multiprune.errors import InputError
from multiprune.files.folders import leads_below
from multiprune.files.manifests import MANIFEST, check_files, write_manifest

OUTSIDE = ["/etc/passwd", "../thesis.tex", "a/../../thesis.tex", "", ".", "a//b", "a/", "a\0b"]
OUTSIDE += ["..\\thesis.tex", "./a"]


@pytest.mark.parametrize("name", ["a", "a.json", "a/b.jsonl", "...", "a b"])
def test_paths_below(name):
    assert leads_below(name)


@pytest.mark.parametrize("name", [*OUTSIDE, None, 5])
def test_paths_that_may_lead_elsewhere(name):
    assert not leads_below(name)


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_manifest_with_such_a_name_touches_no_other_file(tmp_path, name):
    folder = tmp_path / "resources/model"
    folder.mkdir(parents=True)
    (tmp_path / "resources/thesis.tex").write_text("years of work")
    write_manifest(folder, {})
    content = json.loads((folder / MANIFEST).read_text())
    del content["multiprune_sha256"]
    content["files"] = {name: {"sha256": "0" * 64, "bytes": 1}}
    (folder / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"is not a manifest .* set aside as manifest"):
        check_files(folder / MANIFEST)
    assert (tmp_path / "resources/thesis.tex").read_text() == "years of work"
    assert sorted(path.name for path in tmp_path.rglob("*.corrupt")) == ["manifest.json.corrupt"]


def test_json_that_is_nested_too_deeply_is_set_aside(tmp_path):
    path = tmp_path / "deep.json"
    path.write_text("[" * 200_000 + "]" * 200_000)
    with pytest.raises(
        InputError, match=r"deep.json: is not JSON \(it is nested too deeply\); set aside"
    ):
        check_files(path)
