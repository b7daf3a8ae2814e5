"""Which languages use the model's channels alike: a clustered matrix and maps by depth."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from scipy.linalg import orthogonal_procrustes

from multiprune.experiment.grid import Grid
from multiprune.figures import language_groups, style
from multiprune.figures.language_groups import OTHER, UNKNOWN
from multiprune.figures.matrices import ends_of, pair_matrix, write_numbers
from multiprune.figures.wording import Tables, document, mean_of_draws

TABLES = ("structure",)
STANDARD = False
TITLE = "Structure of languages"
PLACE = 50
EMPTY = "There is no structure to show: it needs statistics of three calibration languages."
WHOLE, THIRDS = "all", ("early", "middle", "late")
FAMILIES = 8  # that have a colour
FEW = 12  # languages up to which every cell has its number and every dot its name
DIRECTIONS = 6  # in each of which a map of more languages names the farthest one


def select(structure: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Depth -> correlation [language, language], mean over seeds, in the order of the clusters.

    The order is that of all depths together (average linkage on 1 - correlation, leaves ordered
    optimally); a pair without a value has the mean of the others.
    """
    rows = structure.dropna(subset="correlation")
    whole = rows[rows["depth"] == WHOLE]
    if len({*whole["language_a"], *whole["language_b"]}) < 3:
        return {}
    order = list(pair_matrix(whole))
    return {
        depth: _matrix_of(here, order)
        for depth in (WHOLE, *THIRDS)
        if len(here := rows[rows["depth"] == depth])
    }


def _matrix_of(rows: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    means = rows.groupby(["language_a", "language_b"])["correlation"].mean().unstack()
    upper = means.reindex(index=order, columns=order)
    matrix = upper.fillna(upper.T).fillna(rows["correlation"].mean())
    return matrix.where(~np.eye(len(order), dtype=bool), 1.0)


def scaled(matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """Classical multidimensional scaling of correlations [n, n]: places [n, 2], share shown.

    The squared distance of two languages is 2 (1 - correlation), that of their standardised
    norms. The farthest language lies on the positive side of each axis.
    """
    squared = 2 * (1 - matrix)
    centring = np.eye(len(matrix)) - 1 / len(matrix)
    values, vectors = np.linalg.eigh(-centring @ squared @ centring / 2)
    values = np.clip(values, 0, None)
    places = vectors[:, :-3:-1] * np.sqrt(values[:-3:-1])  # (languages, axes)
    farthest = places[np.abs(places).argmax(axis=0), [0, 1]]
    share = values[:-3:-1].sum() / values.sum() if values.sum() else 0.0
    return places * np.where(farthest < 0, -1, 1), float(share)


def maps(matrices: Mapping[str, pd.DataFrame]) -> dict[str, tuple[np.ndarray, float]]:
    """Depth -> places [languages, 2], share shown; each turned or mirrored towards the first."""
    depths = [depth for depth in THIRDS if depth in matrices] or [WHOLE]
    found, first = {}, None
    for depth in depths:
        places, share = scaled(matrices[depth].to_numpy())
        first = places if first is None else first
        turn, _ = orthogonal_procrustes(places, first)
        found[depth] = (places @ turn, share)
    return found


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: structure of one model."""
    matrices = select(tables["structure"])
    if not matrices:
        return style.empty_figure(EMPTY)
    labels = [language_groups.label(name, grid) for name in matrices[WHOLE]]
    families = [language_groups.family(name, grid) for name in matrices[WHOLE]]
    colours = language_groups.group_colours(families, FAMILIES)
    dots = [colours.get(family, OTHER) for family in families]
    placed = maps(matrices)
    side = max(0.1 * len(labels), 5.4)  # inches, of the matrix
    size = float(np.clip(72 * side / len(labels), 6, 8))  # points, of the names beside it
    width = side + 0.0075 * size * max(map(len, labels)) + 0.5
    beside = max(side / len(placed), 3.0)
    figure = style.new_figure(width + beside, side + 1.4)
    left, right = figure.subfigures(1, 2, width_ratios=[width, beside])
    _bar(left, _heat_map(left.subplots(), matrices[WHOLE], dots, labels, size))
    _legend(right, colours, families, beside)
    panels = list(right.subplots(len(placed), 1, squeeze=False).flat)
    for axes, (depth, (places, share)) in zip(panels, placed.items(), strict=True):
        _map(axes, places, dots)
        axes.set_title(f"{depth} blocks: {share:.0%} of the variance", loc="left")
    figure.draw_without_rendering()  # names need to know where the dots are
    for axes, (places, _) in zip(panels, placed.values(), strict=True):
        named = [(index, labels[index]) for index in outermost(places)]
        language_groups.label_dots(axes, places, named)
    return figure


def outermost(places: np.ndarray) -> list[int]:
    """The languages that lie farthest out in some direction; all of them where they are few."""
    if len(places) <= FEW:
        return list(range(len(places)))
    angles = np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False)
    farthest = (places @ [np.cos(angles), np.sin(angles)]).argmax(axis=0)
    return list(dict.fromkeys(farthest.tolist()))


def _heat_map(
    axes: Axes, matrix: pd.DataFrame, colours: list[str], labels: list[str], size: float
) -> AxesImage:
    """Correlations, with a strip of the families' colours beside the names; size in points."""
    values = matrix.to_numpy(copy=True)
    np.fill_diagonal(values, np.nan)
    low, high = np.nanquantile(values, 0.01), np.nanmax(values)
    image = axes.imshow(values, cmap="cividis", vmin=low, vmax=max(high, low + 0.01))
    count = len(matrix)
    width = max(0.02 * count, 0.12)
    strip = np.array([[to_rgb(colour)] for colour in colours])
    gap = width / 3
    axes.imshow(
        strip, extent=(-0.5 - gap - width, -0.5 - gap, count - 0.5, -0.5), interpolation="nearest"
    )
    axes.set_xlim(-0.5 - gap - width, count - 0.5)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_yticks(range(count), labels, fontsize=size)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if count <= FEW:
        axes.set_xticks(range(count), labels, rotation=45, ha="right", rotation_mode="anchor")
        write_numbers(axes, values, image, 8)
    return image


def _bar(figure: SubFigure, image: AxesImage) -> None:
    bar = figure.colorbar(
        image, ax=figure.axes, location="bottom", extend="min", shrink=0.6, aspect=30, pad=0.01
    )
    bar.set_label("Correlation of channel norms, all blocks")
    bar.outline.set_visible(False)


def _map(axes: Axes, places: np.ndarray, colours: list[str]) -> None:
    grey = np.array([colour == OTHER for colour in colours])
    for group, order in ((grey, 1), (~grey, 2)):
        shown = [colour for colour, here in zip(colours, group, strict=True) if here]
        axes.scatter(*places[group].T, c=shown, s=14, linewidths=0, zorder=order)
    reach = 1.15 * np.abs(places).max() or 1.0
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.axhline(0, color="0.9", linewidth=0.6, zorder=0)
    axes.axvline(0, color="0.9", linewidth=0.6, zorder=0)
    axes.locator_params(nbins=4)


def _legend(
    figure: SubFigure, colours: Mapping[str, str], families: list[str], width: float
) -> None:
    """Above the maps, in as many columns as fit into the width (inches)."""
    square = {"linestyle": "none", "marker": "s", "markersize": 6}
    handles = [
        Line2D([], [], color=colour, label=f"{name} ({families.count(name)})", **square)
        for name, colour in colours.items()
    ]
    if rest := [family for family in families if family not in colours]:
        kinds = ["other"] * (set(rest) != {UNKNOWN}) + [UNKNOWN] * (UNKNOWN in rest)
        label = " or ".join(kinds)
        handles.append(Line2D([], [], color=OTHER, label=f"{label} ({len(rest)})", **square))
    longest = max(len(handle.get_label()) for handle in handles)
    columns = min(len(handles), max(1, int(width / (0.062 * longest + 0.35))))
    figure.legend(
        handles=handles, loc="outside upper center", ncols=columns, columnspacing=1,
        handlelength=1, handletextpad=0.4,
        title="Family (languages)",
    )  # fmt: skip


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    matrices = select(tables["structure"])
    if not matrices:
        return document(EMPTY)
    whole = matrices[WHOLE]
    count = len(whole)
    shown = (
        f"How alike {count} calibration languages use the channels of {model}: Pearson correlation "
        "over channels of the activation norms of two languages, mean over module inputs, dense "
        "model. Left: all blocks, alike languages side by side (average linkage on 1 - "
        "correlation, leaves ordered optimally); the strip has the colours of the families. Right: "
        "classical multidimensional scaling by depth, squared distance 2 (1 - correlation), turned "
        "towards the first map; scales differ from map to map."
    )
    above = whole.where(np.triu(np.ones((count, count), bool), 1)).stack().dropna()
    ends = ends_of(above, lambda name: language_groups.label(name, grid), digits=3)
    finding = f"Mean correlation of the {len(above)} pairs {above.mean():.3f}; {ends}"
    shares = ", ".join(f"{share:.0%} ({depth})" for depth, (_, share) in maps(matrices).items())
    return document(
        shown,
        f"{finding} Share of the variance that a map shows: {shares}.",
        _families(matrices, grid),
        mean_of_draws(tables["structure"]),
    )


def _families(matrices: Mapping[str, pd.DataFrame], grid: Grid) -> str:
    """Mean correlation of pairs within a family and of pairs from two, by depth."""
    names = list(matrices[WHOLE])
    families = np.array([language_groups.family(name, grid) for name in names])
    known = families != UNKNOWN
    pairs = np.triu(known[:, None] & known, 1)
    same = pairs & (families[:, None] == families)
    if not same.any() or not (pairs & ~same).any():
        return ""
    parts = ", ".join(
        f"{matrix.to_numpy()[same].mean():.3f} and {matrix.to_numpy()[pairs & ~same].mean():.3f} "
        f"({depth})"
        for depth, matrix in matrices.items()
    )
    return (
        f"Mean correlation within a family and between families: {parts}; {int(same.sum())} and "
        f"{int((pairs & ~same).sum())} pairs, which share languages, so that no interval is given."
    )
