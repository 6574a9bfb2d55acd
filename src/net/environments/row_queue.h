#pragma once

// Rows that wait until the link has sent the frame before.

#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include "genkidama/wire/environment_frames.h"

namespace genkidama {

/// As many rows as possible in one frame.
class RowQueue {
 public:
  explicit RowQueue(std::size_t most_rows) : most_rows_(most_rows) {}

  template <typename Row>
  void add(const Row& row) {
    next_.add(row);
    if (next_.count() == most_rows_) full_.push_back(std::exchange(next_, EnvironmentFrame()).finish());
  }
  bool is_empty() const { return full_.empty() && next_.count() == 0; }
  /// The oldest rows; there are some. The frame after it may be put together in `memory`.
  std::vector<std::byte> take(std::vector<std::byte> memory) {
    if (full_.empty()) return std::exchange(next_, EnvironmentFrame(std::move(memory))).finish();
    auto frame = std::move(full_.front());
    full_.pop_front();
    return frame;
  }

 private:
  const std::size_t most_rows_;
  EnvironmentFrame next_;
  std::deque<std::vector<std::byte>> full_;
};

}  // namespace genkidama
