"""What a method may read of activations beside their sums of squares; without torch."""

SUM, SUM_ABS = "sum", "sum_abs"  # further sums, of x and of |x|
FURTHER = {"mean": SUM, "mean_abs": SUM_ABS}  # by the statistic that follows from each


class Absolute(float):
    """A threshold of |x| itself, not of its multiple of the token's root mean square."""
