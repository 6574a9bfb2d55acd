"""Spaces with the attributes of Gymnasium's."""


class Discrete:
    shape = ()

    def __init__(self, n, start=0):
        self.n, self.start = n, start


class MultiDiscrete:
    dtype = "int64"

    def __init__(self, nvec):
        self.nvec, self.shape = list(nvec), (len(nvec),)


class MultiBinary:
    dtype = "int8"

    def __init__(self, n):
        self.n, self.shape = n, (n,)


class Box:
    dtype = "float32"

    def __init__(self, low, high, shape):
        self.low, self.high, self.shape = low, high, tuple(shape)


class Dict:
    def __init__(self, spaces):
        self.spaces = spaces

    def __repr__(self):
        return f"Dict({', '.join(self.spaces)})"
