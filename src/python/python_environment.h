#pragma once

// Objects with Gymnasium's interface as environments of the library.

#include <pybind11/pybind11.h>

#include <memory>

#include "genkidama/env/environment.h"

namespace genkidama::python {

namespace py = pybind11;

/// Plays `object` in this thread. What it throws passes through as Python's exception. Throws ArgumentError
/// for an object that cannot be played.
std::unique_ptr<Environment> play_object(const py::object& object);

/// Plays what `make()` returns, in processes that were forked during an InterpreterFork. What the
/// environments throw is written to standard error with its traceback, and becomes an Error. The factory may
/// be copied and destroyed without the interpreter's lock.
EnvironmentFactory environments_of_workers(const py::object& make);

}  // namespace genkidama::python
