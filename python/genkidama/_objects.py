"""What the compiled module asks of objects with Gymnasium's interface."""

import os
import sys
import traceback

# Streams may be closed or be somebody's own.
_STREAM_ERRORS = (AttributeError, OSError, ValueError)


def error_text(error):
    """An exception in one line: "ValueError: ..."."""
    # A KeyError shows its text in quotes.
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    return " ".join(f"{type(error).__name__}: {text}".split())


def print_traceback(error):
    traceback.print_exception(type(error), error, error.__traceback__)
    flush_streams()


def flush_streams():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except _STREAM_ERRORS:
            pass


def begin_worker():
    """In a process that was just forked."""
    import gc
    gc.freeze()  # what the starter has left is not this process' to finalise
    try:
        sys.stdout.reconfigure(line_buffering=True)  # the process ends without Python's knowledge
    except _STREAM_ERRORS:
        pass


def close(environment):
    getattr(environment, "close", lambda: None)()
    flush_streams()


def environment_of(given):
    """An environment, or what a class or a function makes."""
    if isinstance(given, type) or not hasattr(given, "step"):
        if not callable(given):
            raise TypeError(f"a {type(given).__name__} was given; expected the name of a task, an environment with "
                            "Gymnasium's interface, or a class or function that makes one")
        return given()
    return given


def task_of(make):
    """The name of a task by which other programs find what a run was made with, if they can."""
    if not callable(make):
        raise TypeError(f"a {type(make).__name__} was given; expected the name of a task, or a class or function that "
                        "makes environments: each worker makes its own, for instance lambda: MyTask(size=8)")
    module, name = getattr(make, "__module__", None), getattr(make, "__qualname__", type(make).__qualname__)
    if module == "__main__":
        module = getattr(sys.modules["__main__"], "__file__", None) or module
        module = os.path.abspath(module) if module.endswith(".py") else module
    return f"python:{module}:{name}"
