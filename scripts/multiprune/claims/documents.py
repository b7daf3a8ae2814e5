"""The table `claims` for people: Markdown, LaTeX and reStructuredText, a table for each model."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass

import pandas as pd

from multiprune.claims.definitions import NO_PAPER, ONE_SEED, VERDICTS
from multiprune.files import markup

HEADERS = (
    "Claim, and what is compared",
    "Estimate [interval]",
    "Languages where it holds",
    "Verdict",
    "The paper's number",
)
NOTE = (
    "Ratios are geometric means over languages, differences of accuracy and RankC are shares. A "
    "language counts where it is significantly beyond the threshold (Holm's correction). "
    "Statements are in this project's words, thresholds are its choice; second-hand: known from "
    "summaries of the paper only. Where languages are a sample, those that hold are counted "
    "without a test."
)
LATEX_WIDTHS = (0.34, 0.15, 0.10, 0.19, 0.16)  # of the text width


@dataclass(frozen=True)
class Line:
    """One claim as it is printed."""

    statement: str
    compared: str
    estimate: str
    holds: str
    verdict: str
    reason: str
    paper: str


def markdown(claims: pd.DataFrame) -> str:
    """A heading and a table for each model."""
    parts = [f"# {heading(claims)} and what was measured", markup.markdown(NOTE)]
    for model, summary, lines in _models(claims):
        table = [HEADERS, ["---"] * len(HEADERS)]
        for cell in (_escaped(line, markup.markdown) for line in lines):
            claim = _joined("<br>", cell.statement, cell.compared)
            verdict = _joined("<br>", f"**{cell.verdict}**", cell.reason)
            table.append((claim, cell.estimate, cell.holds, verdict, cell.paper))
        body = "\n".join(f"| {' | '.join(row)} |" for row in table)
        parts += [f"## {markup.markdown(model)}", markup.markdown(summary), body]
    return "\n\n".join(parts) + "\n"


def latex(claims: pd.DataFrame) -> str:
    """Tables to be read by `\\input`; they need the package booktabs."""
    columns = "".join(rf"p{{{width:.2f}\textwidth}}" for width in LATEX_WIDTHS)
    parts = [r"% needs \usepackage[T1]{fontenc} and \usepackage{booktabs}"]
    for model, summary, lines in _models(claims):
        body = []
        for cell in (_escaped(line, markup.latex) for line in lines):
            claim = _joined(r"\newline ", cell.statement, rf"{{\scriptsize {cell.compared}}}")
            verdict = _joined(r"\newline ", rf"\textbf{{{cell.verdict}}}", cell.reason)
            body.append(
                " & ".join([claim, cell.estimate, cell.holds, verdict, cell.paper]) + r" \\"
            )
        caption = f"Claims on {model}. {summary} {NOTE}"
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

    Three columns only, since the page is narrow; why a number is unverified stands in `markdown`.
    """
    parts = []
    for model, summary, lines in _models(claims):
        parts.append(f"**{markup.restructured(model)}.** {markup.restructured(summary)}")
        table = [".. list-table::", "   :header-rows: 1", "   :widths: 46 22 32", ""]
        rows = [("Claim, and what is compared",), ("Verdict",), ("Here, and in the paper",)]
        table += _listed(rows)
        for cell in (_escaped(line, markup.restructured) for line in lines):
            table += _listed(
                [
                    (cell.statement, cell.compared),
                    (f"**{cell.verdict}**", cell.reason),
                    (_measured(cell), _in_paper(cell)),
                ]
            )
        parts.append("\n".join(table))
    return "\n\n".join([*parts, markup.restructured(NOTE)]) + "\n"


def heading(claims: pd.DataFrame) -> str:
    """Whose claims they are."""
    asked = set(claims["paper"]) == {NO_PAPER}
    return "What this experiment asks" if asked else "What the papers claim"


def count_verdicts(verdicts: Sequence[str]) -> str:
    """How many claims have each verdict."""
    counts = [(list(verdicts).count(verdict), verdict) for verdict in VERDICTS]
    listed = ", ".join(f"{count} {verdict}" for count, verdict in counts if count)
    return f"Of {len(verdicts)} claims: {listed}."


def number(value: float, ratio: bool) -> str:
    """A ratio, or a difference with its sign."""
    return f"{value:.3f}" if ratio else f"{value:+.3f}"


def is_ratio(measurement: str) -> bool:
    """Whether the column `measurement` speaks of a ratio rather than a difference."""
    return " ratio: " in measurement


def own_reason(reason: str | float) -> str:
    """A reason without the remark that many claims share; nan stands for none."""
    parts = [] if pd.isna(reason) else reason.split("; ")
    return "; ".join(part for part in parts if part != ONE_SEED)


def _models(claims: pd.DataFrame) -> Iterator[tuple[str, str, list[Line]]]:
    """Each model, what is to be said of all its claims, and they."""
    for model, rows in claims.groupby("model", sort=False):
        summary = count_verdicts(list(rows["verdict"]))
        if rows["reason"].str.contains(ONE_SEED, regex=False).any():
            summary += " There is one seed: intervals cover test items, not other calibration text."
        yield str(model), summary, [_line(row) for row in rows.itertuples()]


def _line(row) -> Line:
    ratio = is_ratio(row.measurement)
    sign = ">" if row.direction == "above" else "<"
    compared = f"{row.measurement}; {row.scope}; holds if {sign} {row.threshold:g}"
    if pd.isna(row.estimate):
        estimate = "-"
    else:
        low, high = number(row.ci_low, ratio), number(row.ci_high, ratio)
        estimate = f"{number(row.estimate, ratio)} [{low}, {high}]"
    counted = pd.notna(row.languages)
    return Line(
        statement=row.statement + (" (second-hand)" if row.second_hand else ""),
        compared=compared,
        estimate=estimate,
        holds=f"{row.languages_hold:.0f} of {row.languages:.0f}" if counted else "-",
        verdict=row.verdict,
        reason=own_reason(row.reason),
        paper="-" if row.paper == NO_PAPER else f"{row.paper_value}: {row.paper_source}",
    )


def _measured(line: Line) -> str:
    found = "" if line.estimate == markup.restructured("-") else line.estimate
    counted = "" if line.holds == markup.restructured("-") else f"holds in {line.holds} languages"
    return _joined("; ", found, counted)


def _in_paper(line: Line) -> str:
    return "" if line.paper == markup.restructured("-") else f"paper: {line.paper.split(': ')[0]}"


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
