#pragma once

/// @file
/// How a constant of learning changes over a run.

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How a constant changes over a run. Each schedule that is not constant ends at 0.
enum class Schedule {
  kConstant,  ///< it does not change
  kLinear,    ///< it falls by equal amounts in equal numbers of steps
  kCosine     ///< it falls like half a cosine wave: slowly at first, fastest in the middle, slowly at the end
};

/// Returns what is left of `first` when the share `done` (>= 0) of the schedule is over; d is done, at most
/// 1:
///   constant: first;  linear: first (1 - d);  cosine: first (1 + cos(pi d)) / 2
/// (the cosine is that of Loshchilov and Hutter 2017, "SGDR", without restarts).
double scheduled(Schedule schedule, double first, double done);

/// The name of a schedule: "constant", "linear" or "cosine".
const char* schedule_name(Schedule schedule);

}  // namespace genkidama
