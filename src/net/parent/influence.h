#pragma once

/// @file
/// What each Child's weights do to those of its Parent.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace genkidama {

/// A change of weights as at most kWidth numbers, in which angles between changes are kept: the weights that
/// are kWidth apart are added up, with signs that look random (Charikar, Chen and Farach-Colton, 2002). The
/// cosine of two sketches is that of the changes, give or take 1/32; of at most kWidth weights it is exact.
class ChangeSketch {
 public:
  static constexpr std::size_t kWidth = 1024;

  /// Of nothing.
  ChangeSketch() = default;
  /// Of `size` weights, of which none has changed yet; they are added by add_part().
  explicit ChangeSketch(std::size_t size) : values_(std::min(kWidth, size)) {}
  /// Of `to` - `from`.
  ChangeSketch(std::span<const float> from, std::span<const float> to);
  /// Of a change.
  explicit ChangeSketch(std::span<const float> change) : ChangeSketch({}, change) {}

  /// Takes in `to` - `from` of the weights from number `first` on. All parts in their order, each once; all
  /// but the last have a multiple of kWidth weights.
  void add_part(std::size_t first, std::span<const float> from, std::span<const float> to);

  /// The norm of the change itself.
  double norm() const { return std::sqrt(squares_); }
  std::span<const double> values() const { return values_; }

 private:
  double squares_ = 0;
  std::vector<double> values_;
};

/// Says how much Children agree. It remembers where each of them has pulled last: the sum of its directions,
/// in which each counts a fifth less than the one after it. All changes count alike, whatever their norms, so
/// a few large ones do not hide what most of the Children want.
class InfluenceMeter {
 public:
  /// Takes note of a change that this Child's weights ask for.
  void add(std::uint64_t session, const ChangeSketch& change);
  /// The cosine between a change and the sum of the recent directions of all others; nothing while there are
  /// none, or where either is 0.
  std::optional<double> agreement(std::uint64_t session, const ChangeSketch& change) const;
  /// The Child has gone.
  void forget(std::uint64_t session);

 private:
  std::map<std::uint64_t, std::vector<double>> recent_;
  std::vector<double> sum_;  // of recent_
};

/// The norm of `to` - `from`.
double distance(std::span<const float> from, std::span<const float> to);

}  // namespace genkidama
