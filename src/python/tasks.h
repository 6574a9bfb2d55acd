#pragma once

// The tool's tasks and options, given as Python's keyword arguments.

#include <pybind11/pybind11.h>

#include <functional>
#include <memory>
#include <string>

#include "cli/options/resolved_program.h"
#include "genkidama/env/environment.h"

namespace genkidama::python {

namespace py = pybind11;

/// The program of the tool `genkidama`. Made once.
const cli::ResolvedProgram& tool_program();

/// What the tool makes of `genkidama COMMAND TASK --option VALUE ...`. None leaves an option out. Throws
/// ArgumentError in the words of keywords.
cli::Settings settings_of(const char* command, const std::string& task, const py::dict& options);

/// Calls `body`, and what it throws names keywords ("max_steps") where the command line has flags
/// ("--max-steps").
void in_keywords(const std::function<void()>& body);

/// Makes an environment as `genkidama check TASK` would.
std::unique_ptr<Environment> make_task(const std::string& task, const py::dict& options);

}  // namespace genkidama::python
