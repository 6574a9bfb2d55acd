#pragma once

/// @file
/// How far a sample's figures may be off.

#include <span>

namespace genkidama::run {

struct Interval {
  double low = 0;
  double high = 0;
};

/// A 95 % interval of the mean: the percentiles of the means of 2000 resamples. It needs no assumption on the
/// shape of the sample, and returns are often far from normal. The same sample gives the same interval.
/// `values` must not be empty; beyond 100,000 of them the mean is normal for all purposes, and the interval
/// is that of its standard error.
Interval bootstrap_mean_interval(std::span<const double> values);

/// Between the two nearest values, linearly. `sorted` must not be empty.
double quantile_of(std::span<const double> sorted, double share);

}  // namespace genkidama::run
