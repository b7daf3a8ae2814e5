"""Where models come from, by `kind`."""

from typing import Annotated, Literal

from pydantic import Field

from multiprune.experiment.settings.section import Section, tag
from multiprune.experiment.settings.values import Folder, Revision

KIND = tag("Kind of model source.")
FILE_NAME = "^[A-Za-z0-9][A-Za-z0-9._-]*$"
Billions = Annotated[
    float,
    Field(
        gt=0,
        le=10_000,
        description="Billions of parameters; memory and time that are asked of a cluster follow "
        "from it.",
    ),
]


class AnyModel(Section):
    """What is said of every model."""

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="Precision of the weights in memory; auto takes what the files hold. float16 "
        "is refused for Gemma, which overflows in it.",
    )


PackageName = Annotated[str, Field(pattern=FILE_NAME, max_length=100)]


class PackagedModel(AnyModel):
    """A GGUF file inside a Python package, or spread over several, converted once; no hub."""

    kind: Literal["package_gguf"] = KIND
    parameters: Billions = 0.2
    package: str = Field(pattern=FILE_NAME, description="Python package that ships the file.")
    version: str | None = Field(
        None,
        pattern="^[0-9][A-Za-z0-9.+!-]*$",
        description="Version of the package; the installed one if left out.",
    )
    file: str | None = Field(
        None,
        pattern=FILE_NAME,
        description="Name of the GGUF file, where a package has several, or has a part of it.",
    )
    parts: list[PackageName] | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Packages of the same version that hold the parts of the file, in this order; "
        "`file`, `version` and `sha256` are needed with it.",
    )
    sha256: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="SHA-256 of the whole GGUF file."
    )


class LocalModel(AnyModel):
    """A Hugging Face folder on this machine; linked, not copied."""

    kind: Literal["local"] = KIND
    parameters: float | None = Field(
        None,
        gt=0,
        le=10_000,
        description="Billions of parameters, as for other kinds; counted in the files if left out.",
    )
    folder: Folder = Field(
        description="Folder with config.json and safetensors; of the hub's cache its "
        "snapshots/COMMIT."
    )


class HubModel(AnyModel):
    """A repository on the Hugging Face hub at a fixed revision."""

    kind: Literal["huggingface"] = KIND
    repo: str = Field(
        pattern="^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Repository, owner/name.",
    )
    revision: Revision
    parameters: Billions


Model = Annotated[
    PackagedModel | LocalModel | HubModel,
    Field(discriminator="kind", description="Where a model comes from."),
]
ModelName = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9.-]*$", max_length=100)]
