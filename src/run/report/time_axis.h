#pragma once

/// @file
/// The x axis of charts of runs.

#include "run/charts/line_chart.h"
#include "run/report/run_curves.h"

namespace genkidama::run {

/// Labels the chart's x axis. Seconds become minutes or hours when there are many.
void set_axis(LineChart& chart, CurveAxis axis);

}  // namespace genkidama::run
