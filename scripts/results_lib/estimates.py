"""The few statistics that the tables and plots need. The standard library only."""

import bisect
import math
from random import Random

# Two-sided 95 % points of Student's t. Between the listed degrees of freedom the lower one is taken: a bit too wide.
T_95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 10: 2.228,
        11: 2.201, 12: 2.179, 13: 2.160, 14: 2.145, 15: 2.131, 16: 2.120, 17: 2.110, 18: 2.101, 19: 2.093, 20: 2.086,
        21: 2.080, 22: 2.074, 23: 2.069, 24: 2.064, 25: 2.060, 26: 2.056, 27: 2.052, 28: 2.048, 29: 2.045, 30: 2.042,
        40: 2.021, 60: 2.000, 120: 1.980}
NORMAL_95 = 1.959964


def mean(values):
    return math.fsum(values) / len(values)


def standard_deviation(values):
    """With n - 1, as the programs compute it; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def quantile(values, share):
    """Linear between the two neighbours, as NumPy's default."""
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def median(values):
    return quantile(values, 0.5)


def median_of_all(values):
    """The median where None is larger than every number, as the time of a run that has not arrived; None itself when
    that is in the middle."""
    reached = sorted(value for value in values if value is not None)
    low, high = (len(values) - 1) // 2, len(values) // 2
    return (reached[low] + reached[high]) / 2 if high < len(reached) else None


def ratio_interval(above, below, draws=2000):
    """The 95 % interval of median(above) / median(below) by the bootstrap, where None is larger than every number. An
    end is None where medians are, so that nothing bounds it."""
    random = Random(1)
    ratios = []
    for _ in range(draws):
        top, bottom = (median_of_all([random.choice(values) for _ in values]) for values in (above, below))
        # Nothing can be said where both are missing, and such a draw widens both ends.
        ratios.append((0.0 if bottom is None else math.inf if top is None else top / bottom,
                       math.inf if top is None else 0.0 if bottom is None else top / bottom))
    low, high = sorted(low for low, _ in ratios)[draws // 40], sorted(high for _, high in ratios)[-draws // 40]
    return low, None if high == math.inf else high


def t_interval(values):
    """The 95 % interval of the mean, or None for a single value."""
    if len(values) < 2:
        return None
    freedom = max(known for known in T_95 if known <= len(values) - 1)
    half = T_95[freedom] * standard_deviation(values) / math.sqrt(len(values))
    return mean(values) - half, mean(values) + half


def wilson_interval(successes, count):
    """The 95 % interval of a share; sensible for small counts and for shares of 0 and 1 too."""
    if not 0 <= successes <= count or count == 0:
        raise ValueError(f"{successes} of {count} is no share")
    share = successes / count
    z_squared = NORMAL_95 ** 2
    middle = (share + z_squared / (2 * count)) / (1 + z_squared / count)
    half = NORMAL_95 / (1 + z_squared / count) * math.sqrt(share * (1 - share) / count + z_squared / (4 * count ** 2))
    return max(0.0, middle - half), min(1.0, middle + half)


def interpolate(points, at):
    """The value at `at` on the line through (x, y) points that are sorted by x; None outside of them."""
    places = [x for x, _ in points]
    if not points or at < places[0] or at > places[-1]:
        return None
    right = bisect.bisect_left(places, at)
    if places[right] == at:
        return points[right][1]
    (x0, y0), (x1, y1) = points[right - 1], points[right]
    return y0 + (y1 - y0) * (at - x0) / (x1 - x0)


def density(values, grid):
    """Gaussian kernel density on `grid`, with Silverman's bandwidth, of values counted in bins of a tenth of it."""
    spread = min(standard_deviation(values), (quantile(values, 0.75) - quantile(values, 0.25)) / 1.34)
    if spread == 0:
        spread = standard_deviation(values) or 1.0
    bandwidth = 0.9 * spread * len(values) ** -0.2
    width = bandwidth / 10
    counts = {}
    for value in values:
        place = round(value / width)
        counts[place] = counts.get(place, 0) + 1
    places = sorted(counts)
    heights = []
    for at in grid:
        near = places[bisect.bisect_left(places, (at - 5 * bandwidth) / width):
                      bisect.bisect_right(places, (at + 5 * bandwidth) / width)]
        heights.append(math.fsum(counts[place] * math.exp(-0.5 * ((at - place * width) / bandwidth) ** 2)
                                 for place in near))
    return [height / (len(values) * bandwidth * math.sqrt(2 * math.pi)) for height in heights]
