#pragma once

/// @file
/// Seeded random numbers that are the same on every platform (the standard library's distributions are not).

#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Mixes a seed with a path of stream numbers (worker, episode, purpose, ...) into an independent seed, by
/// repeated SplitMix64 (Steele, Lea, Flood 2014). Same arguments, same result, on every platform.
std::uint64_t derive_seed(std::uint64_t seed, std::initializer_list<std::uint64_t> path);

/// xoshiro256++ (Blackman and Vigna 2019), seeded through SplitMix64. A standard uniform random bit
/// generator; 32 bytes, trivially copyable. Not thread-safe: one per thread.
class Random {
 public:
  /// As the standard library wants its name.
  using result_type = std::uint64_t;

  /// The same seed gives the same numbers.
  explicit Random(std::uint64_t seed = 0);

  /// The smallest number of operator()().
  static constexpr result_type min() { return 0; }
  /// The largest number of operator()().
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }

  /// 64 uniform bits.
  result_type operator()();

  /// Uniform in [0, 1), 53 bits.
  double uniform();

  /// Uniform in [low, high).
  double uniform(double low, double high);

  /// Uniform in 0 .. bound-1, without bias; bound > 0.
  std::uint64_t below(std::uint64_t bound);

  /// Standard normal, by Marsaglia's polar method (1964); takes two uniform numbers or more.
  double normal();

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace genkidama
