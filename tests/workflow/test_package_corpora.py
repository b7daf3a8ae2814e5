"""Text of packages in a run: which archives are asked for, and a run that has them already."""

import json

from unit.fetch.made_packages import scratch, sentence
from workflow.running import Workflow


def add(workflow: Workflow, corpus: dict, languages: dict) -> None:
    with workflow.edit_config() as config:
        config["corpora"]["pkg"] = {"kind": "package", **corpus}
        for code, text in languages.items():
            config["languages"][code] = {"corpus": "pkg", "text": text, "role": "unseen"}


def test_a_package_a_language_is_downloaded_once_beside_the_references(fresh: Workflow):
    before = fresh.jobs("fetch")
    add(fresh, {"like": "libreoffice-help", "version": "4:7~1"}, {"nl": "nl", "pt": "pt-br"})
    assert fresh.jobs("fetch") - before == {
        "fetch_corpus pkg nl",
        "fetch_corpus pkg pt",
        "download_archive debian libreoffice-help-nl-4:7~1.deb",
        "download_archive debian libreoffice-help-pt-br-4:7~1.deb",
        "download_archive debian libreoffice-help-en-us-4:7~1.deb",
    }


def test_archives_that_lie_there_need_no_network(fresh: Workflow):
    """So a machine without network access gets its text: the archive is copied to its place."""
    add(fresh, {"like": "scratch"}, {"nl": "nl"})
    texts = {
        language: {f"page{page}": {"key": sentence(language, page)} for page in range(10)}
        for language in ("en", "nl")
    }
    scratch(fresh.folder / "resources/packages", texts)
    place = "resources/corpora/pkg/nl/manifest.json"
    outcome = fresh.run("--show-failed-logs", place)
    assert outcome.code == 0, outcome.text
    manifest = json.loads((fresh.folder / place).read_text(encoding="utf-8"))
    assert manifest["units"]["kept"] == 10
    assert manifest["definition"]["corpus"]["script"] == "Latn"
