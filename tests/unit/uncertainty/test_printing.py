"""Printed intervals agree with the verdict on the unrounded numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiprune.uncertainty.printing import number, with_interval


@pytest.mark.parametrize(
    ("numbers", "values", "printed"),
    [
        ((0.98, 0.95, 1.02), [1], "0.980 [0.950, 1.020]"),
        ((1.01, 1.0003, 1.02), [1], "1.0100 [1.0003, 1.0200]"),  # excludes 1, so it shows that
        ((1.01, 0.9998, 1.02), [1], "1.010 [1.000, 1.020]"),  # holds 1, and is printed holding it
        ((1.2, 1.1, 1.24996), [1, 1.25], "1.20000 [1.10000, 1.24996]"),
        ((1.5, 1.49996, 1.50003), [1], "1.50000 [1.49996, 1.50003]"),  # of some width
        ((1.0, 1.0, 1.0), [1], "1.000"),  # no width, no interval
        ((1.1, math.nan, math.nan), [1], "1.100"),
        ((math.nan,) * 3, [1], ""),
    ],
)
def test_a_ratio_has_the_digits_that_its_interval_needs(numbers, values, printed):
    assert with_interval(*numbers, values) == printed


@pytest.mark.parametrize(
    ("value", "printed"),
    [(0.5, "0.500"), (9.9996, "10.000"), (73.9, "73.90"), (999.96, "1,000"), (268108.5, "268,108")],
)
def test_a_number_has_four_digits_or_three_decimals(value, printed):
    assert number(value) == printed


def test_a_difference_has_a_sign():
    assert with_interval(-0.01, -0.02, -0.0004, [0], sign=True) == "-0.0100 [-0.0200, -0.0004]"


@given(st.floats(0.5, 2), st.floats(1e-5, 0.5), st.sampled_from([1.0, 1.1, 1.25]))
def test_print_and_interval_are_on_the_same_side(low, width, threshold):
    high = low + width
    printed = with_interval((low + high) / 2, low, high, [threshold])
    ends = [float(end) for end in printed[printed.index("[") + 1 : -1].split(", ")]
    if low - threshold > 1e-8 or threshold - high > 1e-8:
        assert ends[0] > threshold or ends[1] < threshold
    elif low <= threshold <= high:
        assert ends[0] <= threshold <= ends[1]
