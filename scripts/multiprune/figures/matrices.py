"""What the figures of pairs share: a matrix in the order of clusters, its numbers, both ends."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform


def pair_matrix(correlation: pd.DataFrame) -> pd.DataFrame:
    """Mean over blocks, inputs and seeds [language, language], alike languages side by side."""
    means = correlation.groupby(["language_a", "language_b"])["correlation"].mean()
    names = sorted({*correlation["language_a"], *correlation["language_b"]})
    matrix = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
    for (a, b), value in means.items():
        matrix.loc[a, b] = matrix.loc[b, a] = value
    if len(names) > 2:
        distances = squareform(1 - matrix.fillna(means.mean()).to_numpy(), checks=False)
        leaves = leaves_list(linkage(distances, "average", optimal_ordering=True))
        matrix = matrix.iloc[leaves, leaves]
    return matrix


def without_zero(value: float) -> str:
    """Two digits behind the point, and nothing before it."""
    return f"{value:.2f}".replace("0.", ".")


def write_numbers(
    axes: Axes,
    values: np.ndarray,
    image: AxesImage,
    size: float,
    text: Callable[[float], str] = without_zero,
) -> None:
    """Write each value [rows, columns] into its cell, readable on the colour below it."""
    middle = (image.norm.vmin + image.norm.vmax) / 2
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            axes.text(
                column, row, text(value), ha="center", va="center",
                fontsize=size, color="black" if value > middle else "white",
            )  # fmt: skip


def ends_of(means: pd.Series, label: Callable[[str], str], digits: int) -> str:
    """The least and the most alike pair of names, in words. means: by both names."""
    least, most = (
        f"{' and '.join(label(name) for name in pair)} ({means[pair]:.{digits}f})"
        for pair in (means.idxmin(), means.idxmax())
    )
    return f"least alike are {least}, most alike {most}."
