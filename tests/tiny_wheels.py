"""Python packages with nothing in them, as files that pip installs."""

import base64
import hashlib
import zipfile
from pathlib import Path


def write_wheel(folder: Path, name: str, version: str) -> Path:
    """A wheel with nothing in it but its own description."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    information = f"{name}-{version}.dist-info"
    lines = [
        f"{information}/{entry},sha256={digest(text)},{len(text)}" for entry, text in files.items()
    ]
    files["RECORD"] = "\n".join([*lines, f"{information}/RECORD,,", ""])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for entry, text in files.items():
            wheel.writestr(f"{information}/{entry}", text)
    return path


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
