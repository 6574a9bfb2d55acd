from typing import Any, Optional

import numpy
from numpy.typing import ArrayLike, NDArray


class _Space:
    shape: tuple[int, ...]
    dtype: numpy.dtype[Any]
    def seed(self, seed: Optional[int] = None) -> None: ...
    def contains(self, value: Any) -> bool: ...
    def __contains__(self, value: Any) -> bool: ...


class Discrete(_Space):
    n: int
    def __init__(self, n: int) -> None: ...
    def sample(self, mask: Optional[ArrayLike] = None) -> int: ...


class MultiDiscrete(_Space):
    nvec: NDArray[numpy.int64]
    def __init__(self, nvec: ArrayLike) -> None: ...
    def sample(self, mask: Optional[ArrayLike] = None) -> NDArray[numpy.int64]: ...


class Box(_Space):
    low: NDArray[numpy.float32]
    high: NDArray[numpy.float32]
    def __init__(self, low: ArrayLike, high: ArrayLike, shape: Optional[tuple[int, ...]] = None) -> None: ...
    def sample(self) -> NDArray[numpy.float32]: ...


class Hybrid(_Space):
    nvec: NDArray[numpy.int64]
    low: NDArray[numpy.float32]
    high: NDArray[numpy.float32]
    def __init__(self, nvec: ArrayLike, low: ArrayLike, high: ArrayLike) -> None: ...
    def sample(self, mask: Optional[ArrayLike] = None) -> NDArray[numpy.float32]: ...
