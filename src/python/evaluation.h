#pragma once

// Evaluations as Python has them.

#include <pybind11/pybind11.h>

#include "genkidama/run/evaluation.h"

namespace genkidama::python {

/// The statistics by the names of their fields.
pybind11::dict dict_of(const run::EvaluationStatistics& statistics);

}  // namespace genkidama::python
