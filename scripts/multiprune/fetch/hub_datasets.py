"""Text columns of datasets in the Hugging Face format, from the hub or from a local folder.

Rows are streamed: only what is asked for is transferred. Datasets that need a script of their own
are refused, since code from a dataset is never run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from multiprune.errors import InputError, in_one_line
from multiprune.fetch.hub import TIMEOUT, NotThere, gated, hub_errors, hub_page, persistently
from multiprune.fetch.hub_answers import commit_of
from multiprune.fetch.normal_form import normal_text, seen_text

SCRIPT = (
    "is loaded by a script of its own, which is never run; use a dataset stored as Parquet or JSON "
    "(many have the revision refs/convert/parquet)"
)

# How `datasets` begins to say that a dataset lacks a configuration or a split. It also raises
# ValueError where a transfer broke off, a file is damaged, or it has looked into its cache instead.
UNKNOWN = ("BuilderConfig ", "Unknown split ", "Bad split: ")


def dataset_commit(dataset: str, revision: str) -> str | None:
    """The commit that a revision of a hub dataset stands for; None for a local folder."""
    if Path(dataset).is_dir():
        return None
    from huggingface_hub import HfApi

    what = f"dataset {dataset}"
    with hub_errors(what, revision, hub_page(dataset, "dataset")):
        info = persistently(
            lambda: HfApi().dataset_info(dataset, revision=revision, timeout=TIMEOUT), what
        )
        return commit_of(info, what)


def read_column(
    dataset: str,
    split: str,
    column: str,
    rows: int,
    *,
    revision: str | None = None,
    config: str | None = None,
    files: str | None = None,
) -> list[tuple[int, str]]:
    """The first `rows` texts of a column that are not blank, each with its row number from 0.

    `config` and `files` are the dataset's configuration and file pattern; `column` may be a key in
    a column, `translation.en`. Texts are in normal form; their line breaks and indents stay, since
    they are the paragraphs of a document and the blocks of a program, and only blanks at both ends
    go. Broken transfers are tried again by `datasets` and the hub's client themselves.
    """
    from datasets import load_dataset

    what = f"dataset {dataset}, config {config or 'default'}, split {split}"
    found: list[tuple[int, str]] = []
    with dataset_errors(what, dataset):
        stream = load_dataset(
            dataset, config, split=split, revision=revision, data_files=files, streaming=True
        )
        for number, row in enumerate(stream):
            values = dict(_named_values(row))
            if number == 0 and column not in values:  # a later row may lack a key
                names = ", ".join(values)
                raise InputError(f"{what}: has no column {column!r}; its columns are {names}")
            text = normal_text(_text_of(values, column, what)).strip()
            if seen_text(text):
                found.append((number, text))
            if len(found) == rows:
                break
    return found


def _named_values(row: dict, within: str = "") -> Iterator[tuple[str, object]]:
    """What a row holds by the names of columns, and of the keys in them: `translation.en`."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _named_values(value, f"{within}{name}.")
        else:
            yield f"{within}{name}", value


def _text_of(values: dict, column: str, what: str) -> str:
    text = values.get(column)
    if not isinstance(text, str | None):
        raise InputError(
            f"{what}: column {column!r} holds {type(text).__name__}, not text; choose another "
            f"among {', '.join(values)}"
        )
    return text or ""


@contextmanager
def dataset_errors(what: str, dataset: str) -> Iterator[None]:
    """Turn what `datasets` raises, of a dataset on the hub or in a folder, into InputError."""
    import yaml
    from datasets.exceptions import DatasetNotFoundError, DatasetsError
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    page = hub_page(dataset, "dataset")
    with hub_errors(what, None, page):
        try:
            yield
        except (HfHubHTTPError, LocalEntryNotFoundError):
            raise  # the hub's own errors, some of which are also of the types below
        except DatasetNotFoundError as error:
            reason = gated(page) if "gated" in str(error) else _first_line(error)
            raise InputError(f"{what}: {reason}") from None
        except yaml.YAMLError as error:
            raise InputError(f"{what}: its README.md is not YAML ({in_one_line(error)})") from None
        except (TypeError, LookupError, AttributeError, RecursionError) as error:
            if not Path(dataset).is_dir():
                raise
            raise InputError(
                f"{what}: `datasets` cannot read its files or its README.md ({in_one_line(error)})"
            ) from None
        except RuntimeError as error:
            if "scripts are no longer supported" not in str(error):
                raise
            raise InputError(f"{what}: {SCRIPT}") from None
        except (DatasetsError, ValueError, FileNotFoundError) as error:
            # Unknown configurations and splits end here; the first line lists those that exist.
            line = _first_line(error)
            problem = NotThere if line.startswith(UNKNOWN) else InputError
            raise problem(f"{what}: {line}") from None


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))
