#pragma once

/// @file
/// Means that a few wrong vectors cannot move far.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Vectors of equal size with finite values: one for each machine.
using Votes = std::span<const std::span<const float>>;

/// Computes the median in each coordinate (Yin et al., 2018, Definition 1): of an even number, the mean of
/// the two in the middle. Throws ArgumentError, as all of these do, without votes or for sizes that differ.
void coordinate_median(Votes votes, std::span<float> median);

/// Computes the mean in each coordinate without its `cut` least and `cut` greatest values (Yin et al., 2018,
/// Definition 2). `cut` counts as less where nothing would be left.
void trimmed_mean(Votes votes, std::size_t cut, std::span<float> mean);

/// Returns each vote's Krum score: the sum of its squared distances to the n - f - 2 others that are nearest
/// to it, at least one of them (Blanchard et al., 2017, section 4). 0 for a single vote. f is `attackers`.
std::vector<double> krum_scores(Votes votes, std::uint64_t attackers);

/// Returns the votes in the order of their scores, the best first; equal ones stay in their order.
std::vector<std::size_t> krum_order(Votes votes, std::uint64_t attackers);

/// Takes the best vote by its Krum score.
void krum(Votes votes, std::uint64_t attackers, std::span<float> chosen);

/// Computes the mean of the n - f best votes, at least one (Blanchard et al., 2017: m = n - f).
void multi_krum(Votes votes, std::uint64_t attackers, std::span<float> mean);

/// Returns the median of numbers, of which there is at least one; of an even number, the mean of the two in
/// the middle.
double median_of(std::vector<double> values);

}  // namespace genkidama
