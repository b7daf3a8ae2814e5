"""Names and paths that a shell would run or take apart: they are data, wherever they stand.

Names are restricted by the schema. What stays free are folders and what languages are called.
"""

import os
import re
import shutil

import pytest
import tiny
from safetensors.numpy import load_file
from workflow.running import ROOT, TREE, Outcome, Workflow

from multiprune.errors import InputError
from multiprune.experiment.validation import validate

MANY = "we ird $(touch canary) `touch canary` 'q' \"d\" ; touch canary & | > canary ü #!~ \\ *?[a]"
CLONE = f"clone {MANY}"
WORK = f"-work {MANY} <resources>"
INPUTS = "in'put's $(touch canary);touch canary\"`touch canary` $HOME 100% é -x"
NAME = "Ger'man\" $(touch canary) `touch canary`; touch canary & x"
MASK = "results/tiny/tiny-llama/seed0/masks/magnitude/0.5.safetensors"
DEMONSTRATIONS = "results/tiny/tiny-llama/seed0/calibration/en-de.safetensors"


# All commands ------------------------------------------------------------------------------------


def shell_commands() -> dict[str, list[str]]:
    """The lines of every shell command, by rule file and line number."""
    found = {}
    for path in [ROOT / "Snakefile", *sorted((ROOT / "rules").rglob("*.smk"))]:
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if line.strip() == "shell:":
                inside = len(line) - len(line.lstrip())
                block = []
                for below in lines[number + 1 :]:
                    if below.strip() and len(below) - len(below.lstrip()) <= inside:
                        break
                    block.append(below.strip())
                found[f"{path.name}:{number + 1}"] = [text for text in block if text]
    return found


def test_every_value_in_a_shell_command_is_quoted():
    """All but `threads`, a number, and a command that `jobs.planned` has quoted.

    In plain strings, so that nothing gets in another way.
    """
    commands = shell_commands()
    assert len(commands) >= 20
    for where, lines in commands.items():
        assert all(re.fullmatch(r"""".*"|'.*'""", line) for line in lines), where
        command = "".join(line[1:-1] for line in lines)
        assert command.startswith("python {params.command} "), where
        fields = re.findall(r"\{(.*?)\}", command)
        assert "log:q" in fields, where
        unquoted = [field for field in fields if not field.endswith(":q")]
        assert set(unquoted) <= {"threads", "params.command"}, where


def test_rules_run_nothing_but_shell_commands():
    for path in [ROOT / "Snakefile", *sorted((ROOT / "rules").rglob("*.smk"))]:
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(run|script|notebook|wrapper|cwl):", source, re.MULTILINE), path
        assert not re.search(r"\bshell\(|os\.system|subprocess|os\.popen|eval\(|exec\(", source)


# A run -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(
    snapshot: Workflow, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Workflow, Outcome]:
    """A run whose clone, folder of work, inputs and language all have such names."""
    root = tmp_path_factory.mktemp("hostile")
    workflow, clone = snapshot.copy(root / WORK), root / CLONE
    clone.mkdir()
    for name in TREE:
        shutil.move(workflow.folder / name, clone / name)
    (workflow.folder / "inputs").rename(workflow.folder / INPUTS)
    with workflow.edit_config() as config:
        config["models"]["tiny-llama"]["folder"] = f"{INPUTS}/model"
        config["corpora"]["words"]["folder"] = f"{INPUTS}/texts"
        config["languages"]["de"]["name"] = NAME
        sizes = {"shots": 1, "samples": 2, "length": 256}
        config["calibration"]["demonstrations"] = {"corpus": "words", **sizes}
        config["methods"]["kim"] = {"score": "wanda", "calibration": ["en-de"]}
    snakefile = os.path.relpath(clone / "Snakefile", workflow.folder)
    return workflow, workflow.run("--snakefile", snakefile, "fetch", MASK, DEMONSTRATIONS)


def test_nothing_of_a_hostile_name_is_run(hostile: tuple[Workflow, Outcome]):
    workflow, outcome = hostile
    assert outcome.code == 0, outcome.text
    root = workflow.folder.parent
    assert sorted(path.name for path in root.iterdir()) == sorted([CLONE, WORK])
    assert not [path for path in root.rglob("*") if path.name.startswith("canary")]
    assert INPUTS in (workflow.folder / "tiny.yaml").read_text(encoding="utf-8")


def test_results_are_those_of_harmless_names(hostile: tuple[Workflow, Outcome], finished: Workflow):
    found, wanted = hostile[0].files("."), finished.files(".")
    texts = [name for name in wanted if re.fullmatch(r"resources/corpora/.*\.jsonl", name)]
    assert len(texts) == 9
    for name in [MASK, *texts]:
        assert found[name] == wanted[name], name


def test_the_name_of_a_language_arrives_whole(hostile: tuple[Workflow, Outcome]):
    windows = load_file(hostile[0].folder / DEMONSTRATIONS)
    text = tiny.byte_tokenizer().decode(windows["input_ids"][0])
    assert f"{NAME}: " in text


# Refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["-x/texts", "a{b}c", "a<b>c", "~nobody/x", "a\nb", "a\0b"])
@pytest.mark.parametrize("key", ["models.tiny", "corpora.words"])
def test_folder_that_snakemake_or_a_program_would_misread(key: str, folder: str):
    config = tiny.small_config()
    kind, name = key.split(".")
    config[kind][name]["folder"] = folder
    with pytest.raises(InputError, match=rf"^{key}\.folder: found '") as error:
        validate(config)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("folder", ["~/x", "/a b/c", "ü ñ", "a-b", "x~y", "$HOME", "a'b"])
def test_folder_that_is_allowed(folder: str):
    config = tiny.small_config()
    config["models"]["tiny"]["folder"] = folder
    assert validate(config).models["tiny"].folder == folder


def test_clone_whose_path_has_braces(fresh: Workflow):
    """Snakemake formats the path of a rule's environment, which begins with that of the clone."""
    target = fresh.folder.with_name("pro{x}ject")
    fresh.folder.rename(target)
    outcome = Workflow(target).run("--dry-run")
    assert outcome.code != 0
    assert "Traceback" not in outcome.text
    assert outcome.lines_with("error:", str(target), "rename the folder")
