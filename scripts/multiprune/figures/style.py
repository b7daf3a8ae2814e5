"""What all figures share: settings, colours, names, order, ticks of narrow logarithmic axes.

Colours are seaborn's "colorblind" palette, with black for its yellow, which is too pale for lines,
and its tan, which is near its orange, last; and maps that are safe for the common colour-vision
deficiencies (cividis, vlag).
"""

import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from multiprune.experiment.grid import CALIBRATION, DENSE, Grid
from multiprune.figures.labels import own_name

SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.title_fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "0.9",
    "grid.linewidth": 0.6,
    "pdf.fonttype": 42,
    "savefig.dpi": 160,
}
# Written out, since importing seaborn takes longer than drawing most figures.
PALETTE = [
    *("#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc"),
    *("#56b4e9", "#949494", "#fbafe4", "#000000", "#ca9161"),
]
ROLE_COLOURS = {"calibration": PALETTE[0], "unseen": PALETTE[1]}
REFERENCE = "0.45"
MARKERS = "os^D"


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, laid out by constraints."""
    return Figure(figsize=(width, height), layout="constrained")


def empty_figure(reason: str) -> Figure:
    """A figure that says in words why there is nothing to draw."""
    figure = new_figure(6, 1.5)
    figure.text(0.5, 0.5, reason, ha="center", va="center", wrap=True, color=REFERENCE)
    return figure


def language_label(language: str, grid: Grid) -> str:
    """The language's name, or its code where the name is missing or not in Latin letters.

    Marked where the tokenizer hardly knows the language (`Grid.marking`). A dollar sign is escaped,
    which figures and captions both need: it would begin a formula.
    """
    name = grid.languages[language].get("name") or language
    letters = [letter for letter in name if letter.isalpha()]
    latin = all(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    mark = grid.languages[language].get("mark", "")
    return (name.replace("$", r"\$") if latin else language) + mark


def method_order(methods: Iterable[str], grid: Grid) -> list[str]:
    """dense, methods without calibration, the baseline and its variants, then by allocation."""

    def rank(method: str) -> tuple:
        settings, name = grid.methods[method], own_name(method, grid)
        group = (
            0 if method == DENSE else
            1 if not settings.get("calibration") else
            2 if method == grid.baseline else
            3 if name.startswith(f"{own_name(grid.baseline, grid)}-") else
            4 if settings.get("allocation", "uniform") == "uniform" else
            5
        )  # fmt: skip
        return group, name

    return sorted(set(methods), key=rank)


def method_colours(grid: Grid) -> dict[str, str]:
    """One colour for each method, the same in every figure; members of methods come last."""
    pruned = [method for method in method_order(grid.methods, grid) if method != DENSE]
    pruned.sort(key=grid.is_member)
    return {method: PALETTE[index % len(PALETTE)] for index, method in enumerate(pruned)}


def language_order(perplexity: pd.DataFrame, grid: Grid) -> list[str]:
    """Calibration languages first, then from low to high bits per byte of the dense model."""
    dense = perplexity[perplexity["method"] == DENSE].groupby("language")["bits_per_byte"].mean()
    return sorted(
        perplexity["language"].unique(),
        key=lambda name: (grid.config_role(name) != CALIBRATION, dense.get(name, np.inf), name),
    )


def geometric_mean(values: pd.Series) -> float:
    """exp of the mean logarithm; nan for no values."""
    return float(np.exp(np.log(values.astype(float)).mean()))


def log_ticks(low: float, high: float) -> np.ndarray:
    """Round numbers between low and high, evenly spread on a logarithmic axis."""
    if high / low < 3:
        ticks = MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    else:
        candidates = [(1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)]
        for subs in candidates:
            ticks = LogLocator(subs=subs, numticks=30).tick_values(low, high)
            ticks = ticks[(ticks >= low) & (ticks <= high)]
            if len(ticks) <= 5:
                break
    return ticks[(ticks >= low * 0.999) & (ticks <= high * 1.001)]


def log_axis(axes: Axes, name: str, low: float, high: float) -> None:
    """Make the x or y axis logarithmic from low to high with plain numbers as labels."""
    getattr(axes, f"set_{name}scale")("log")
    getattr(axes, f"set_{name}lim")(low, high)
    axis = getattr(axes, f"{name}axis")
    axis.set_major_locator(FixedLocator(log_ticks(low, high)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def balanced_columns(count: int, most: int) -> int:
    """Columns, at most `most`, that fill the rows of `count` panels evenly."""
    rows = -(-count // most)
    return -(-count // rows)


def panel_grid(figure: Figure, count: int, columns: int, **options: object) -> list[Axes]:
    """`count` panels in rows of `columns`; the unused places of the last row stay blank."""
    rows = -(-count // columns)
    panels = list(figure.subplots(rows, columns, squeeze=False, **options).flat)
    for unused in panels[count:]:
        unused.remove()
    for index, axes in enumerate(panels[:count]):
        below = index + columns
        if below >= count:
            axes.tick_params(labelbottom=True)
    return panels[:count]


def curve_looks(curves: Sequence[str]) -> dict[str, dict]:
    """Colour and marker of each curve."""
    return {
        curve: {
            "color": PALETTE[index % len(PALETTE)],
            "marker": MARKERS[index % len(MARKERS)],
        }
        for index, curve in enumerate(curves)
    }


def outside_legend(figure: Figure, handles: list) -> None:
    """Legend above the panels, in as many columns as its longest entry leaves room for."""
    longest = max(len(handle.get_label()) for handle in handles)
    columns = max(1, int(figure.get_figwidth() / (0.07 * longest + 0.55)))
    rows = -(-len(handles) // columns)
    columns = -(-len(handles) // rows)
    figure.legend(handles=handles, loc="outside upper center", ncols=columns)
