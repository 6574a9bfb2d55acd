#pragma once

/// @file
/// Mean, spread and quantiles of a few numbers.

#include <span>

namespace genkidama::run {

/// 0 of no values.
double mean_of(std::span<const double> values);

/// About `mean`, their own, with n - 1; 0 of fewer than two values.
double standard_deviation_of(std::span<const double> values, double mean);

/// Between the two nearest values, linearly. `sorted` must not be empty.
double quantile_of(std::span<const double> sorted, double share);

}  // namespace genkidama::run
