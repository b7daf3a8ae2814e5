"""Numbers with intervals as they are printed: with enough digits not to contradict a verdict."""

import math
from collections.abc import Sequence

FEWEST_DIGITS, MOST_DIGITS = 3, 9
POINT = 1e-9  # an interval that is narrower is none
WHOLE = 999.95  # numbers from here on, 1000 in four digits, are printed without decimals


def number(value: float) -> str:
    """Three decimals, four digits from 10 on, and a whole number from 1,000 on."""
    if abs(value) >= WHOLE:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:#.4g}".rstrip(".")


def is_point(low: float, high: float) -> bool:
    """Whether there is no interval to print: it is missing, or has no width."""
    return not high - low > POINT * max(1.0, abs(low), abs(high))


def digits(low: float, high: float, values: Sequence[float]) -> int:
    """Decimals at which an interval that excludes one of the values is printed excluding it.

    And at which its ends are printed apart.
    """
    for count in range(FEWEST_DIGITS, MOST_DIGITS):
        if round(low, count) < round(high, count) and all(
            round(low, count) > value if low > value else round(high, count) < value
            for value in values
            if low > value or high < value
        ):
            return count
    return MOST_DIGITS


def ends(low: float, high: float, values: Sequence[float], sign: bool = False) -> str:
    """`[1.200, 1.300]`."""
    form = f"{'+' if sign else ''}.{digits(low, high, values)}f"
    return f"[{low:{form}}, {high:{form}}]"


def with_interval(
    value: float, low: float, high: float, values: Sequence[float], sign: bool = False
) -> str:
    """`1.234 [1.200, 1.300]`, the value alone where there is no interval, empty where it is nan.

    values: those that the reader compares with, such as the threshold and 1.
    """
    if math.isnan(value):
        return ""
    form = "+" if sign else ""
    if is_point(low, high):
        return f"{value:{form}.{FEWEST_DIGITS}f}"
    return f"{value:{form}.{digits(low, high, values)}f} {ends(low, high, values, sign)}"
