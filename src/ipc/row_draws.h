#pragma once

/// @file
/// Which rows of the replay buffer a sample takes.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <unordered_map>
#include <vector>

#include "genkidama/core/random.h"

namespace genkidama {

/// The numbers 0 .. count-1 in random order, each drawn when it is asked for, in memory for those drawn only:
/// at most `draws` of them.
class LazyShuffle {
 public:
  LazyShuffle(std::size_t count, std::size_t draws, std::pmr::memory_resource& memory)
      : count_(count), moved_(&memory) {
    moved_.reserve(draws);
  }
  bool empty() const { return drawn_ == count_; }
  std::size_t next(Random& random) {
    const std::size_t picked = drawn_ + static_cast<std::size_t>(random.below(count_ - drawn_));
    const std::size_t result = at(picked);
    moved_[picked] = at(drawn_);
    moved_.erase(drawn_++);
    return result;
  }

 private:
  std::size_t at(std::size_t position) const {
    const auto found = moved_.find(position);
    return found == moved_.end() ? position : found->second;
  }
  std::size_t count_;
  std::size_t drawn_ = 0;
  std::pmr::unordered_map<std::size_t, std::size_t> moved_;
};

/// Numbers the filled rows of some cores from 0 on. Taken once per sample: shares only grow, so the rows stay
/// valid.
class RowIndex {
 public:
  RowIndex(std::size_t capacity, std::size_t cores, std::pmr::memory_resource& memory)
      : capacity_(capacity), shares_(&memory) {
    shares_.reserve(cores);
  }
  /// The share of `core` has the rows from number `first` on, before number `end`.
  void add(std::size_t core, std::uint64_t first, std::uint64_t end) {
    const auto rows = static_cast<std::size_t>(end - first);
    const auto start = rows == capacity_ ? 0 : static_cast<std::size_t>(first % capacity_);
    shares_.push_back({total_, total_ + rows, core * capacity_, start});
    total_ += rows;
  }
  std::size_t size() const { return total_; }
  std::size_t row(std::size_t index) const {
    const auto share = std::upper_bound(shares_.begin(), shares_.end(), index,
                                        [](std::size_t i, const Share& s) { return i < s.end_index; });
    return share->row + (share->start + index - share->index) % capacity_;
  }

 private:
  struct Share {
    std::size_t index, end_index;  // of all shares' rows together
    std::size_t row;               // the share's first place
    std::size_t start;             // the place of its first row within the share
  };
  std::size_t capacity_;
  std::size_t total_ = 0;
  std::pmr::vector<Share> shares_;
};

}  // namespace genkidama
