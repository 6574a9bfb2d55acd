#pragma once

// The Parent's weights and counts, without any socket.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/net/parent.h"
#include "genkidama/wire/frame.h"
#include "net/peer_fault.h"

namespace genkidama {

/// Written by the io thread only; read by any thread. One mutex covers all of it, so that a reader sees the
/// state between two merges.
class ParentState {
 public:
  ParentState(double alpha, double max_norm_growth, std::vector<float> weights, std::uint64_t first_update);

  std::vector<float> weights() const;
  ParentStatus status() const;

  // The io thread's.

  /// W_P. The io thread needs no lock to read what only it writes.
  std::span<const float> current() const { return weights_; }
  std::uint64_t updates() const { return status_.updates; }

  /// Why these weights must not be merged: not finite, or out of proportion.
  std::optional<std::string> objection(std::span<const float> weights) const;

  void joined(const ChildStatus& child, std::uint64_t steps_counted_before);
  /// W_P = (1-alpha) W_P + alpha W_C, and counts it, for weights to which there was no objection.
  /// `frame.session` must have joined.
  void merge(const FrameHeader& frame, std::span<const float> weights);
  void left(std::uint64_t session);
  void peer_refused(const std::string& reason, PeerFault fault = PeerFault::kNone);
  void update_refused(const std::string& reason);

 private:
  struct Joined {
    ChildStatus status;
    std::uint64_t steps_counted = 0;
  };

  const double alpha_;
  const double max_norm_growth_;
  mutable std::mutex mutex_;
  std::vector<float> weights_;
  ParentStatus status_;  // without `children`
  std::map<std::uint64_t, Joined> children_;
};

}  // namespace genkidama
