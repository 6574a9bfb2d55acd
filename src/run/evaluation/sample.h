#pragma once

/// @file
/// Mean and spread of a few numbers.

#include <span>

namespace genkidama::run {

/// 0 of no values.
double mean_of(std::span<const double> values);

/// About `mean`, their own, with n - 1; 0 of fewer than two values.
double standard_deviation_of(std::span<const double> values, double mean);

}  // namespace genkidama::run
