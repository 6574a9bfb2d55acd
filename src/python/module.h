#pragma once

// The parts of the Python module; module.cpp puts them together. All of it runs in a thread that holds the
// interpreter's lock, but where a comment says otherwise.

#include <pybind11/pybind11.h>

namespace genkidama::python {

namespace py = pybind11;

void bind_errors();
void bind_environment(py::module_& module);
void bind_policy(py::module_& module);
void bind_evaluation(py::module_& module);
void bind_training(py::module_& module);

}  // namespace genkidama::python
