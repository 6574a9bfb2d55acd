#pragma once

/// @file
/// Seeded random numbers that are the same on every platform. The distributions of the standard library
/// differ between platforms.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Mixes a seed with a path of stream numbers (worker, episode, purpose, ...) into an independent seed by
/// repeated SplitMix64 (Steele, Lea, Flood 2014). Equal arguments give equal results on every platform.
std::uint64_t derive_seed(std::uint64_t seed, std::initializer_list<std::uint64_t> path);

/// The generator xoshiro256++ (Blackman and Vigna 2019), seeded through SplitMix64. It is a uniform random
/// bit generator in the sense of the standard library, has 32 bytes and is trivially copyable. Not
/// thread-safe: give each thread its own.
class Random {
 public:
  /// The name that the standard library expects.
  using result_type = std::uint64_t;

  /// Equal seeds give equal numbers.
  explicit Random(std::uint64_t seed = 0);

  /// The smallest number that operator() returns.
  static constexpr result_type min() { return 0; }
  /// The largest number that operator() returns.
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }

  /// Returns 64 uniform bits.
  result_type operator()();

  /// Returns a number that is uniform in [0, 1), with 53 random bits.
  double uniform();

  /// Returns a number that is uniform in [low, high).
  double uniform(double low, double high);

  /// Returns a whole number that is uniform in 0 .. bound-1, without bias. `bound` is at least 1.
  std::uint64_t below(std::uint64_t bound);

  /// Returns a standard normal number by Marsaglia's polar method (1964), from two uniform numbers or more.
  double normal();

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace genkidama
