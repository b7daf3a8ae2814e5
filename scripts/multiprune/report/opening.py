"""The parts of the report's first page that are made while it is written, for its template.

Each is a filter: it takes the config, and gives reStructuredText. What is not there is left out.
"""

import base64
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from textwrap import indent, wrap

from multiprune.files.markup import restructured
from multiprune.report.origin import origin

HEADLINE = "method_comparison"
WIDTH = 5000  # of a line; docutils takes 10,000 characters at most, a browser joins the lines
WORKFLOW = Path(__file__).parents[3]


def tab_title(config: Mapping) -> str:
    """Give the browser's tab the experiment's name: the report calls itself Snakemake Report."""
    title = escape(f"{config['experiment']}: pruned language models", quote=True)
    script = "document.title = this.dataset.title"  # the page may hold no <script>
    return _raw(f'<style data-title="{title}" onload="{script}"></style>')


def headline(config: Mapping) -> str:
    """The figure that compares the methods, of each model that has one, with what it shows."""
    results = Path("results", config["experiment"])
    parts = []
    for model in sorted(config["models"]):
        picture = results / "figures" / f"{HEADLINE}-{model}.png"
        if picture.is_file():
            shown = escape(_first_paragraph(results / "captions" / f"{HEADLINE}-{model}.rst"))
            content = base64.b64encode(picture.read_bytes()).decode()
            source = "\n".join(["data:image/png;base64,", *wrap(content, WIDTH)])
            parts.append(_raw(f'<img class="headline" alt="{shown}" src="{source}">'))
    return "\n\n".join(parts)


def provenance(config: Mapping) -> str:
    """Where the numbers come from, a list with a line a subject."""
    known = origin(config, Path("results", config["experiment"]), WORKFLOW)
    return "\n".join(f"- **{subject}**: {restructured(said)}" for subject, said in known.items())


FILTERS = {
    "restructured": restructured,
    "tab_title": tab_title,
    "headline": headline,
    "provenance": provenance,
}


def _raw(html: str) -> str:
    return f".. raw:: html\n\n{indent(html, '   ')}"


def _first_paragraph(caption: Path) -> str:
    """The text of a caption's beginning, without the escapes of reStructuredText."""
    try:
        text = caption.read_text(encoding="utf-8")
    except OSError:
        return ""
    return " ".join(re.sub(r"\\(.)", r"\1", text.split("\n\n")[0]).split())
