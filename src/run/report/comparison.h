#pragma once

/// @file
/// Several runs beside one another: a curve and figures for each group of them.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/run/evaluation.h"
#include "run/charts/line_chart.h"
#include "run/report/run_curves.h"
#include "run/report/run_groups.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

struct ComparisonOptions {
  std::vector<std::filesystem::path>
      runs;  ///< directories of runs, and of sweeps, which stand for their runs
  CurveAxis axis = CurveAxis::kSteps;
  /// Of metrics.csv, or else of evaluations.csv; empty: the mean return, of the evaluations if every run has
  /// two of them at least, else of training.
  std::string column;
  std::vector<std::string> patterns;  ///< of group_runs(); none: runs that differ in the seed alone
  std::optional<double> threshold;    ///< a return; nothing: the task's, or else the target of the runs
};

/// The mean of some seeds, and the 95 % interval of that by bootstrap_mean_interval().
struct SeedMean {
  std::size_t seeds = 0;  ///< that have a value
  double mean = 0;
  std::optional<Interval> interval;  ///< of two seeds or more
};

/// Environment steps at which seeds first had a mean return of the threshold.
struct StepsToThreshold {
  std::size_t reached = 0;       ///< seeds that did
  std::size_t seeds = 0;         ///< of so many
  std::optional<double> median;  ///< of all seeds; nothing when it is among those that did not
  double first = 0, last = 0;    ///< of those that did
};

struct ComparedGroup {
  std::string name;
  std::size_t runs = 0;
  std::vector<ChartPoint> curve;  ///< the mean over the seeds and its interval, as far as all of them go that
                                  ///< have points
  SeedMean final_return;          ///< of the evaluations at the end; see Comparison::notes
  StepsToThreshold steps;         ///< nothing reached where there is no threshold
  SeedMean steps_per_second;
  SeedMean wall_seconds;
  SeedMean processor_seconds;
};

struct Comparison {
  std::string title;
  std::string column;  ///< what the curves show
  CurveAxis axis = CurveAxis::kSteps;
  std::optional<double> threshold;
  bool draws_threshold = false;  ///< it is of the curves' kind
  std::vector<ComparedGroup> groups;
  std::vector<std::string> notes;  ///< whole sentences about what is missing or not as it seems
};

/// Reads the runs, a row at a time. Throws ArgumentError, which names the option or the directory, when one
/// is no run, when runs are of different tasks and no column is named, when no run has the column, and as
/// group_runs().
Comparison compare_runs(const ComparisonOptions& options);

/// The curves as a chart; a time axis is in minutes or hours where that is shorter.
LineChart chart_of(const Comparison& comparison);

/// The mean of these; the interval is by bootstrap_mean_interval().
SeedMean seed_mean(const std::vector<double>& values);

/// From where each seed was first at the threshold; nothing for one that never was.
StepsToThreshold steps_to_threshold(const std::vector<std::optional<double>>& reached);

/// The mean of the seeds' curves at even distances between where the last of them begins and the first of
/// them ends, each between its points linearly; a gap where one of them has one. A seed without points, which
/// has just begun, is left out.
std::vector<ChartPoint> mean_curve(std::vector<std::vector<ChartPoint>> curves);

}  // namespace run
}  // namespace genkidama
