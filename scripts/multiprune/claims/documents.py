"""The table `claims` for people: Markdown, LaTeX and reStructuredText, a table for each model."""

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass

import pandas as pd

from multiprune.claims import summary
from multiprune.claims.definitions import NO_PAPER, UNVERIFIED
from multiprune.files import markup
from multiprune.uncertainty.printing import with_interval

HEADERS = ("Claim, and what is compared", "Estimate [interval]", "Languages", "Verdict")
NOTE = (
    "Ratios are geometric means over languages, differences of accuracy and RankC are shares. A "
    "language counts for or against where it is significantly beyond the threshold (Holm's "
    "correction). Statements are in this project's words, thresholds are its choice; second-hand: "
    "known from summaries of the paper only. Where languages are a sample, those that hold are "
    "counted without a test."
)
LATEX_WIDTHS = (0.40, 0.16, 0.12, 0.26)  # of the text width
BLANK = markup.restructured("-")


@dataclass(frozen=True)
class Line:
    """One claim as it is printed."""

    statement: str
    compared: str
    estimate: str
    languages: str
    verdict: str
    reason: str


def markdown(claims: pd.DataFrame) -> str:
    """A heading and a table for each model."""
    parts = [f"# {heading(claims)} and what was measured", markup.markdown(_note(claims))]
    for model, said, lines in _models(claims):
        parts += [f"## {markup.markdown(model)}", *map(markup.markdown, said)]
        table = [HEADERS, ["---"] * len(HEADERS)]
        for cell in (_escaped(line, markup.markdown) for line in lines):
            claim = _joined("<br>", cell.statement, cell.compared)
            verdict = _joined("<br>", f"**{cell.verdict}**", cell.reason)
            table.append((claim, cell.estimate, cell.languages, verdict))
        if lines:
            parts.append("\n".join(f"| {' | '.join(row)} |" for row in table))
    return "\n\n".join(parts) + "\n"


def latex(claims: pd.DataFrame) -> str:
    """Tables to be read by `\\input`; they need the package booktabs."""
    columns = "".join(rf"p{{{width:.2f}\textwidth}}" for width in LATEX_WIDTHS)
    parts = [r"% needs \usepackage[T1]{fontenc} and \usepackage{booktabs}"]
    for model, said, lines in _models(claims):
        body = []
        for cell in (_escaped(line, markup.latex) for line in lines):
            claim = _joined(r"\newline ", cell.statement, rf"{{\scriptsize {cell.compared}}}")
            verdict = _joined(r"\newline ", rf"\textbf{{{cell.verdict}}}", cell.reason)
            body.append(" & ".join([claim, cell.estimate, cell.languages, verdict]) + r" \\")
        caption = f"Claims on {model}. {' '.join(said)} {_note(claims)}"
        parts += [
            r"\begin{table*}",
            r"\centering\footnotesize",
            rf"\caption{{{markup.latex(caption)}}}",
            rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
            r"\toprule",
            " & ".join(map(markup.latex, HEADERS)) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table*}",
        ]
    return "\n".join(parts) + "\n"


def restructured(claims: pd.DataFrame) -> str:
    """A list-table for each model, without section titles, to be included in a page.

    Three columns only, since the page is narrow.
    """
    parts = []
    for model, said, lines in _models(claims):
        first, *others = [markup.restructured(text) for text in said]
        parts += [f"**{markup.restructured(model)}.** {first}", *others]
        table = [".. list-table::", "   :header-rows: 1", "   :widths: 46 30 24", ""]
        table += _listed([("Claim, and what is compared",), ("Verdict",), ("Here",)])
        for cell in (_escaped(line, markup.restructured) for line in lines):
            table += _listed(
                [
                    (cell.statement, cell.compared),
                    (f"**{cell.verdict}**", cell.reason),
                    (
                        cell.estimate,
                        "" if cell.languages == BLANK else f"languages: {cell.languages}",
                    ),
                ]
            )
        if lines:
            parts.append("\n".join(table))
    return "\n\n".join([*parts, markup.restructured(_note(claims))]) + "\n"


def _note(claims: pd.DataFrame) -> str:
    return " ".join(filter(None, [summary.papers_numbers(claims), NOTE]))


def heading(claims: pd.DataFrame) -> str:
    """Whose claims they are."""
    asked = set(claims["paper"]) == {NO_PAPER}
    return "What this experiment asks" if asked else "What the papers claim"


def numbers(row) -> str:
    """Estimate and interval of a row of the table: a ratio, or a difference with its sign."""
    if pd.isna(row.estimate):
        return "-"
    ratio = is_ratio(row.measurement)
    values = (row.threshold, 1.0 if ratio else 0.0)
    return with_interval(row.estimate, row.ci_low, row.ci_high, values, sign=not ratio)


def is_ratio(measurement: str) -> bool:
    """Whether the column `measurement` speaks of a ratio rather than a difference."""
    return " ratio: " in measurement


def languages(row) -> str:
    """In how many languages the claim holds by itself, is contradicted, or is open."""
    if pd.isna(row.languages):
        return "-"
    if pd.isna(row.languages_against):  # counted without a test
        return f"{row.languages_hold:.0f} of {row.languages:.0f} for"
    left = row.languages - row.languages_hold - row.languages_against
    return f"{row.languages_hold:.0f} for, {row.languages_against:.0f} against, {left:.0f} open"


def reasons(row) -> list[str]:
    """What the verdict of a row rests on beside the interval."""
    found = _given(row.reason)
    if pd.notna(row.smallest_effect):
        kind = "a factor of" if is_ratio(row.measurement) else "a difference of"
        found.append(f"smallest effect that this run could show: {kind} {row.smallest_effect:.3f}")
    return found


def compared(row) -> list[str]:
    """What is compared in a row, on how much text, and on which side the claim holds."""
    sign = ">" if row.direction == "above" else "<"
    parts = [row.measurement, row.scope, f"holds if {sign} {row.threshold:g}"]
    return [*parts, *_given(row.basis), *_given(row.budgets)]


def _given(text: str | float | None) -> list[str]:
    """The text of a cell, unless it is empty, which a file gives back as nan."""
    return [text] if isinstance(text, str) and text else []


def _models(claims: pd.DataFrame) -> Iterator[tuple[str, list[str], list[Line]]]:
    """Each model, what is to be said of all its claims, and those that were measured."""
    for model, rows in claims.groupby("model", sort=False):
        said = [" ".join(summary.sentences(rows)), summary.limits(rows)]
        said += summary.unmeasured(rows)
        lines = [_line(row) for row in summary.measured(rows).itertuples()]
        yield str(model), [text for text in said if text], lines


def _line(row) -> Line:
    paper = f" (the paper: {row.paper_value})"
    known = row.paper != NO_PAPER and row.paper_value != UNVERIFIED
    return Line(
        statement=row.statement + (" (second-hand)" if row.second_hand else ""),
        compared="; ".join(compared(row)),
        estimate=numbers(row) + (paper if known else ""),
        languages=languages(row),
        verdict=summary.spoken(row.verdict, row.constants),
        reason="; ".join(reasons(row)),
    )


def _escaped(line: Line, escape: Callable[[str], str]) -> Line:
    return Line(*map(escape, astuple(line)))


def _joined(separator: str, *texts: str) -> str:
    return separator.join(text for text in texts if text)


def _listed(cells: list[tuple[str, ...]]) -> list[str]:
    """A row of a list-table; a cell is one or more paragraphs."""
    lines = []
    for index, paragraphs in enumerate(cells):
        start = "   * - " if index == 0 else "     - "
        shown = [text for text in paragraphs if text]
        lines.append(start + shown[0])
        for text in shown[1:]:
            lines += ["", " " * 7 + text]
    return lines
