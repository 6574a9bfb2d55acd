#pragma once

/// @file
/// What the x axis of a chart of runs counts.

namespace genkidama::run {

enum class CurveAxis { kSteps, kSeconds, kUpdates };

}  // namespace genkidama::run
