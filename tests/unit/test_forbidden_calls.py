"""What no script does: unpickle, run text as code, run code of a model, or give text to a shell."""

import ast
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
FILES = sorted(path.relative_to(SCRIPTS).as_posix() for path in SCRIPTS.rglob("*.py"))
UNPICKLING = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
BUILTINS = {"eval", "exec", "compile", "__import__", "breakpoint"}
# By the last two parts of the dotted name; `load` of any other module is json's or the like.
CALLS = {
    "torch.load", "torch.save", "yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load",
    "pd.read_pickle", "pandas.read_pickle", "os.system", "os.popen", "tempfile.mktemp",
    "subprocess.getoutput", "subprocess.getstatusoutput", "importlib.import_module",
}  # fmt: skip
# The registry alone imports by a computed name, of a module in the library's own folders. One
# program alone unpickles, and that with `weights_only`.
EXCEPT = {
    "multiprune/registry.py": ["importlib.import_module"],
    "multiprune/fetch/unpickling.py": ["torch.load"],
}
ARGUMENTS = {"shell", "trust_remote_code", "allow_pickle"}  # where not False


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a name or an attribute, `.c` where what stands before is no name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def forbidden(source: str) -> list[str]:
    """Everything in a source that should not be there, with its line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        bad = []
        if isinstance(node, ast.Import):
            bad = [alias.name for alias in node.names if alias.name.split(".")[0] in UNPICKLING]
        elif isinstance(node, ast.ImportFrom):
            bad = forbidden_import(node)
        elif isinstance(node, ast.Call):
            bad = forbidden_call(node)
        found += [f"line {node.lineno}: {name}" for name in bad]
    return found


def forbidden_import(node: ast.ImportFrom) -> list[str]:
    """Names that are taken out of a module and should not be."""
    if node.module.split(".")[0] in UNPICKLING:
        return [node.module]
    names = [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in names if name in CALLS]


def forbidden_call(node: ast.Call) -> list[str]:
    """The function or the arguments of a call that should not be."""
    name = dotted(node.func)
    bad = [name] if name in BUILTINS or ".".join(name.split(".")[-2:]) in CALLS else []
    given = {entry.arg: getattr(entry.value, "value", None) for entry in node.keywords}
    bad += [key for key, value in given.items() if key in ARGUMENTS and value is not False]
    if name.endswith("from_pretrained") and "Model" in name:
        # A GGUF file holds no code either.
        safe = given.get("use_safetensors") is True or "gguf_file" in given
        bad += [] if safe else [f"{name} of weights that may be pickled"]
    if name.endswith("from_pretrained") and "trust_remote_code" not in given:
        bad.append(f"{name} that may ask for code")
    return bad


@pytest.mark.parametrize("file", FILES)
def test_script_does_nothing_forbidden(file: str):
    found = forbidden((SCRIPTS / file).read_text(encoding="utf-8"))
    assert [line.partition(": ")[2] for line in found] == EXCEPT.get(file, [])


def test_what_unpickles_builds_nothing_but_tensors():
    source = (SCRIPTS / "multiprune/fetch/unpickling.py").read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    [load] = [node for node in calls if dotted(node.func) == "torch.load"]
    assert {entry.arg: getattr(entry.value, "value", None) for entry in load.keywords}[
        "weights_only"
    ] is True


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import torch\ntorch.load('x')",
        "from torch import load",
        "import yaml\nyaml.load(text, Loader=yaml.Loader)",
        "eval('1')",
        "exec(text)",
        "import os\nos.system('ls')",
        "import subprocess\nsubprocess.run(text, shell=True)",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "AutoTokenizer.from_pretrained(folder, trust_remote_code=True)",
        "AutoTokenizer.from_pretrained(folder)",
        "AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=False)",
        "AutoModelForCausalLM.from_pretrained(f, use_safetensors=x, trust_remote_code=False)",
    ],
)
def test_forbidden_things_are_found(source: str):
    assert len(forbidden(source)) == 1


def test_harmless_things_are_not():
    source = "import json, re, yaml\njson.load(file)\nyaml.safe_load(text)\nre.compile('x')"
    assert forbidden(source) == []
    options = "use_safetensors=True, trust_remote_code=False"
    assert forbidden(f"AutoModelForCausalLM.from_pretrained(folder, {options})") == []
