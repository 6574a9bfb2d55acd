#pragma once

#include <cstdint>
#include <optional>

namespace genkidama {

/// Numbers of a Parent's sessions, unlike any of its earlier starts: a frame names its epoch with its
/// session. What fits into a double (2^53-1) bounds ParentOptions::epoch.
class SessionNumbers {
 public:
  static constexpr std::uint64_t kPerEpoch = std::uint64_t{1} << 32;

  explicit SessionNumbers(std::uint64_t epoch) : first_(epoch * kPerEpoch) {}

  static constexpr std::uint64_t epoch_of(std::uint64_t session) { return session / kPerEpoch; }

  std::uint64_t epoch() const { return epoch_of(first_); }
  /// Nothing when there is none left.
  std::optional<std::uint64_t> next() {
    if (count_ == kPerEpoch - 1) return std::nullopt;
    return first_ + ++count_;
  }

 private:
  std::uint64_t first_, count_ = 0;
};

}  // namespace genkidama
