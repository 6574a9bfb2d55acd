"""Action and observation spaces that look like Gymnasium's.

`sample()` draws from a generator of the space, which `seed()` starts anew; `contains()` tells whether an action or an
observation lies in the space.
"""

import numpy


class _Space:
    """What all spaces have: `shape` and `dtype` of their values."""

    def __init__(self, shape, dtype):
        self.shape = tuple(shape)
        self.dtype = numpy.dtype(dtype)
        self._random = numpy.random.default_rng()

    def seed(self, seed=None):
        """Lets sample() follow from the seed."""
        self._random = numpy.random.default_rng(seed)

    def _array(self, value):
        """The value as an array of the space's shape, or None."""
        try:
            array = numpy.asarray(value)
        except ValueError:
            return None
        return array if array.shape == self.shape and array.dtype.kind in "biuf" else None

    def __contains__(self, value):
        return self.contains(value)

    def __eq__(self, other):
        return type(other) is type(self) and repr(other) == repr(self)

    __hash__ = None


def _are_choices(array, nvec):
    return bool(numpy.all(array == numpy.floor(array)) and numpy.all(array >= 0) and numpy.all(array < nvec))


class Discrete(_Space):
    """One choice among `n` alternatives: a whole number from 0 to n - 1."""

    def __init__(self, n):
        super().__init__((), numpy.int64)
        self.n = int(n)

    def sample(self, mask=None):
        """An alternative, drawn from those whose entry in `mask` is not 0."""
        if mask is None:
            return int(self._random.integers(self.n))
        return int(self._random.choice(numpy.flatnonzero(mask)))

    def contains(self, value):
        array = self._array(value)
        return array is not None and _are_choices(array, self.n)

    def __repr__(self):
        return f"Discrete({self.n})"


class MultiDiscrete(_Space):
    """Several choices: an array of whole numbers, the i-th from 0 to nvec[i] - 1."""

    def __init__(self, nvec):
        self.nvec = numpy.asarray(nvec, dtype=numpy.int64)
        super().__init__(self.nvec.shape, numpy.int64)

    def sample(self, mask=None):
        """An alternative of each choice. `mask` is the info's "action_mask": the choices' masks side by side."""
        return _sample_choices(self._random, self.nvec, mask)

    def contains(self, value):
        array = self._array(value)
        return array is not None and _are_choices(array, self.nvec)

    def __repr__(self):
        return f"MultiDiscrete({self.nvec.tolist()})"


def _sample_choices(random, nvec, mask):
    if mask is None:
        return random.integers(nvec)
    parts = numpy.split(numpy.asarray(mask), numpy.cumsum(nvec)[:-1])
    return numpy.array([random.choice(numpy.flatnonzero(part)) for part in parts], dtype=numpy.int64)


def _sample_within(random, low, high):
    """Uniform between two bounds, exponential beyond one, normal without any, as Gymnasium draws."""
    has_low, has_high = numpy.isfinite(low), numpy.isfinite(high)
    sample = random.normal(size=low.shape)
    only_low, only_high, both = has_low & ~has_high, has_high & ~has_low, has_low & has_high
    sample[only_low] = low[only_low] + random.exponential(size=int(only_low.sum()))
    sample[only_high] = high[only_high] - random.exponential(size=int(only_high.sum()))
    sample[both] = random.uniform(low[both], high[both])
    return sample.astype(numpy.float32)


class Box(_Space):
    """Numbers between `low` and `high`, which are arrays of the space's shape; infinite: no bound."""

    def __init__(self, low, high, shape=None):
        shape = numpy.shape(low) if shape is None else shape
        self.low = numpy.broadcast_to(numpy.asarray(low, dtype=numpy.float32), shape)
        self.high = numpy.broadcast_to(numpy.asarray(high, dtype=numpy.float32), shape)
        super().__init__(shape, numpy.float32)

    def sample(self):
        return _sample_within(self._random, self.low, self.high)

    def contains(self, value):
        array = self._array(value)
        return array is not None and bool(numpy.all(array >= self.low) and numpy.all(array <= self.high))

    def __repr__(self):
        if self.low.size and numpy.all(self.low == self.low.flat[0]) and numpy.all(self.high == self.high.flat[0]):
            return f"Box({self.low.flat[0]}, {self.high.flat[0]}, {self.shape})"
        return f"Box({self.low.tolist()}, {self.high.tolist()})"


class Hybrid(_Space):
    """Choices and numbers in one float32 array: first a whole number for each choice, then the numbers."""

    def __init__(self, nvec, low, high):
        self.nvec = numpy.asarray(nvec, dtype=numpy.int64)
        self.low = numpy.asarray(low, dtype=numpy.float32)
        self.high = numpy.asarray(high, dtype=numpy.float32)
        super().__init__((self.nvec.size + self.low.size,), numpy.float32)

    def sample(self, mask=None):
        """`mask` is that of the choices, as MultiDiscrete.sample() takes it."""
        choices = _sample_choices(self._random, self.nvec, mask)
        return numpy.concatenate([choices, _sample_within(self._random, self.low, self.high)]).astype(numpy.float32)

    def contains(self, value):
        array = self._array(value)
        if array is None:
            return False
        choices, numbers = array[:self.nvec.size], array[self.nvec.size:]
        return _are_choices(choices, self.nvec) and bool(
            numpy.all(numbers >= self.low) and numpy.all(numbers <= self.high))

    def __repr__(self):
        return f"Hybrid({self.nvec.tolist()}, {self.low.tolist()}, {self.high.tolist()})"
