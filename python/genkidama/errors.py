"""The exceptions of the library. Each text says what was given, what was expected and what to do."""


class Error(RuntimeError):
    """Base of every exception of the library."""


class ArgumentError(Error, ValueError):
    """Something was passed that cannot work: an option, a size, an action."""


class IoError(Error, OSError):
    """The system refused a file, a mapping, a socket or a process."""


class FormatError(Error, ValueError):
    """A file does not have the form that it should have."""


class LayoutError(Error, ValueError):
    """A policy belongs to another network or to another environment."""


class WorkerError(Error):
    """A worker of a run died, hung or reported an error. The text names the worker."""


for _each in (Error, ArgumentError, IoError, FormatError, LayoutError, WorkerError):
    _each.__module__ = "genkidama"
del _each
