#pragma once

/// @file
/// Running statistics of a stream of vectors: how many there were, their means and their variances. They are
/// what observations and returns are normalised with.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/saveable.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Count, mean and sum of squared distances from the mean of each component of a stream of vectors, in double
/// precision. Statistics of parts of a stream are merged into those of the whole stream, in any order and to
/// within rounding (Welford 1962; Chan, Golub and LeVeque 1983).
class RunningStatistics {
 public:
  /// Makes statistics of nothing.
  RunningStatistics() = default;
  /// Begins with an empty stream of vectors of so many components.
  explicit RunningStatistics(std::size_t components) : values_(components == 0 ? 0 : 1 + 2 * components) {}
  /// Reads what values() of other statistics gave. Throws ArgumentError when fault() finds something.
  explicit RunningStatistics(std::span<const double> values);

  /// Why these are no values() of statistics of floats: another size than 1 + 2 n, a count that is no whole
  /// number from 0 to 2^53, a mean beyond 1e39, squares below 0 or beyond 1e78 for each. Empty: they are.
  static std::string fault(std::span<const double> values);

  /// Counts one vector of components() finite numbers.
  void add(std::span<const float> vector);
  /// Counts everything that `other` has counted. Throws ArgumentError for another number of components.
  void merge(const RunningStatistics& other);
  /// Forgets everything.
  void clear() { values_.assign(values_.size(), 0.0); }

  /// Numbers in a vector of the stream; 0 for statistics of nothing.
  std::size_t components() const { return values_.size() / 2; }
  /// How many vectors were counted: a whole number of at most 2^53.
  double count() const { return values_.empty() ? 0 : values_[0]; }
  /// The mean of a component; 0 for an empty stream.
  double mean(std::size_t component) const { return values_[1 + component]; }
  /// The variance of a component, divided by the count; 0 for an empty stream.
  double variance(std::size_t component) const {
    return count() > 0 ? values_[1 + components() + component] / count() : 0;
  }

  /// Everything as one array: the count, components() means, components() sums of squared distances.
  std::span<const double> values() const { return values_; }

  /// Compares all numbers.
  bool operator==(const RunningStatistics&) const = default;

 private:
  std::vector<double> values_;
};

/// Statistics of one stream among several.
struct NumberedStatistics {
  /// Names the stream, at most 2^53-1. Whoever begins to count chooses it at random and keeps it together
  /// with the statistics.
  std::uint64_t stream = 0;
  RunningStatistics statistics{};  ///< without components: nothing is counted
};

/// Statistics of several streams, each with a number of its own: a Parent keeps those of its Children so.
/// Each stream tells all that it has counted since it began, again and again; the latest replaces the one
/// before, so nothing is counted twice however often it is told.
class StreamStatistics : public Saveable {
 public:
  /// The greatest number of streams. When there are more, the shortest stream is forgotten.
  static constexpr std::size_t kMostStreams = 4096;
  /// The greatest count of a stream, so that the count of all streams together stays a whole number: 2^41.
  static constexpr double kMostVectors = 2199023255552.0;

  /// Begins without streams, of vectors of so many components.
  explicit StreamStatistics(std::size_t components = 0) : components_(components) {}

  /// Numbers in a vector of each stream.
  std::size_t components() const { return components_; }
  /// How many streams are known.
  std::size_t size() const { return streams_.size(); }

  /// Why these statistics are refused: other components, or a count beyond kMostVectors. Empty: they are not.
  std::string objection(const RunningStatistics& statistics) const;
  /// Replaces what is known of a stream. Throws ArgumentError when there is an objection().
  void set(std::uint64_t stream, RunningStatistics statistics);
  /// Those of all streams but one.
  RunningStatistics all_but(std::uint64_t stream) const;
  /// Those of all streams.
  RunningStatistics all() const;

  /// Writes the fields "stream_numbers" and "stream_statistics"; no streams, no fields.
  void save(StateWriter& state) const override;
  /// Throws LayoutError for streams of another number of components, FormatError for damaged fields.
  void restore(const StateReader& state) override;

 private:
  struct Stream {
    std::uint64_t number;
    RunningStatistics statistics;
  };

  std::size_t components_;
  std::vector<Stream> streams_;  ///< in the order of their numbers, so that merging depends on nothing else
};

}  // namespace genkidama
