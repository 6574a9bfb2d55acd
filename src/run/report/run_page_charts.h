#pragma once

/// @file
/// The curves of a run's page.

#include <vector>

#include "run/charts/line_chart.h"
#include "run/directory/run_directory.h"

namespace genkidama::run {

/// A chart for each of the columns that people look at and that this run has values of, the returns with the
/// evaluations first. A column that is 0 throughout says nothing, and has none.
std::vector<LineChart> charts_of(const RunDirectory& directory);

}  // namespace genkidama::run
