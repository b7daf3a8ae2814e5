"""What MkDocs does beside: pages from outside docs/, and a page for each package of the library.

Links are written for the repository, so that a forge follows them; here they are turned into links
of the site.
"""

import ast
import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
OUTSIDE = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "config/DEVIATIONS.md",
    "config/README.md",
    "config/languages.md",
)
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")
CODE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
LIBRARY = "scripts/multiprune"
# Search in files that a browser opens; no page loads anything from elsewhere.
SHIM = re.compile(r'<script src="https:[^"]+/shim"></script>')


def on_files(files: Files, config: dict) -> Files:
    """Add the pages outside docs/ and those of the library."""
    for path in OUTSIDE:
        files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    packages = sorted(path.parent.name for path in (ROOT / LIBRARY).glob("*/__init__.py"))
    rows = ["# The library", "", "| package | what lives there |", "|---|---|"]
    for package in packages:
        content = f"# {package}\n\n::: multiprune.{package}\n"
        files.append(File.generated(config, f"api/{package}.md", content=content))
        module = ast.parse((ROOT / LIBRARY / package / "__init__.py").read_text("utf-8"))
        first = ast.get_docstring(module).split("\n\n")[0].replace("\n", " ")
        rows.append(f"| [{package}]({package}.md) | {first} |")
    files.append(File.generated(config, "api/index.md", content="\n".join(rows)))
    return files


def on_page_markdown(markdown: str, page: object, config: dict, files: Files) -> str:
    """Turn links between files of the repository into links between pages."""
    source = page.file.src_uri
    if source.startswith("api/"):
        return markdown
    folder = posixpath.dirname(source if source in OUTSIDE else f"docs/{source}")

    def link(found: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(folder, found[1])).removeprefix("docs/")
        path = posixpath.relpath(target, posixpath.dirname(source) or ".")
        return f"]({path}{found[2] or ''})"

    parts = CODE.split(markdown)  # text and code in turns
    return "".join(part if index % 2 else LINK.sub(link, part) for index, part in enumerate(parts))


def on_post_page(html: str, page: object, config: dict) -> str:
    """Take out what a browser would load from elsewhere."""
    return SHIM.sub("", html)
