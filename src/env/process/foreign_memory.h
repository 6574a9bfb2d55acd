#pragma once

// The memory that a trainer and a foreign process share.

#include <cstddef>
#include <cstdint>
#include <span>

#include "genkidama/env/environment_server.h"

namespace genkidama {

/// The sizes of one environment.
struct ForeignSizes {
  std::uint32_t environments = 1;
  std::uint64_t observation = 0;   ///< floats
  std::uint64_t action = 0;        ///< floats
  std::uint64_t alternatives = 0;  ///< bytes of a mask
  std::uint64_t metrics = 0;       ///< floats
};

/// A file in memory, which the process inherits while it is empty. Once the sizes are known it gets its size
/// for good: its seals keep the process from making it smaller, which would end this process by a signal, or
/// larger.
class ForeignMemory {
 public:
  /// More than any environment needs; refuses sizes that are a mistake.
  static constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 28;

  /// Throws IoError.
  ForeignMemory();
  ~ForeignMemory();
  ForeignMemory(const ForeignMemory&) = delete;
  ForeignMemory& operator=(const ForeignMemory&) = delete;

  int descriptor() const { return fd_; }
  /// Gives the memory its size and its seals, and maps it. Throws IoError when there is no memory, and
  /// ArgumentError when the sizes come to more than kMaxBytes, or the process has changed the file.
  void allocate(const ForeignSizes& sizes);
  /// Where the arrays lie.
  const genkidama_layout_message& layout() const { return layout_; }

  std::uint8_t& command(std::size_t environment) const {
    return at<std::uint8_t>(layout_.commands)[environment];
  }
  std::uint64_t& seed(std::size_t environment) const { return at<std::uint64_t>(layout_.seeds)[environment]; }
  std::span<float> action(std::size_t environment) const {
    return row<float>(layout_.actions, environment, sizes_.action);
  }
  /// What the process wrote, and may change at any time.
  std::span<const float> observation(std::size_t environment) const {
    return row<float>(layout_.observations, environment, sizes_.observation);
  }
  const float& reward(std::size_t environment) const { return at<float>(layout_.rewards)[environment]; }
  const std::uint8_t& ends(std::size_t environment) const {
    return at<std::uint8_t>(layout_.ends)[environment];
  }
  std::span<const std::uint8_t> mask(std::size_t environment) const {
    return row<std::uint8_t>(layout_.masks, environment, sizes_.alternatives);
  }
  std::span<const float> metrics(std::size_t environment) const {
    return row<float>(layout_.metrics, environment, sizes_.metrics);
  }

 private:
  template <typename T>
  T* at(std::uint64_t offset) const {
    return reinterpret_cast<T*>(data_ + offset);
  }
  template <typename T>
  std::span<T> row(std::uint64_t offset, std::size_t environment, std::uint64_t width) const {
    return {at<T>(offset) + environment * width, static_cast<std::size_t>(width)};
  }

  int fd_ = -1;
  std::byte* data_ = nullptr;
  ForeignSizes sizes_;
  genkidama_layout_message layout_{};
};

}  // namespace genkidama
