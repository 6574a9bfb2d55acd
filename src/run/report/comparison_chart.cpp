#include <fmt/format.h>

#include <algorithm>

#include "run/report/comparison.h"
#include "run/report/time_axis.h"

namespace genkidama::run {

LineChart chart_of(const Comparison& comparison) {
  LineChart chart;
  chart.title = comparison.title.empty() ? comparison.column : comparison.title;
  chart.y_label = comparison.column;
  bool has_band = false;
  for (const ComparedGroup& group : comparison.groups) {
    has_band = has_band || group.runs > 1;
    const char* const seeds = group.runs == 1 ? "seed" : "seeds";
    chart.series.push_back({fmt::format("{} ({} {})", group.name, group.runs, seeds), group.curve, false});
  }
  if (has_band) chart.title += ": mean of the seeds and its 95 % interval";
  if (comparison.threshold && comparison.draws_threshold) {
    chart.level = ChartLevel{*comparison.threshold, fmt::format("{:g}", *comparison.threshold)};
  }
  set_axis(chart, comparison.axis);
  return chart;
}

}  // namespace genkidama::run
