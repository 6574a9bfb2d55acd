#pragma once

// Steps that are told apart by a number.

#include <cstdint>
#include <vector>

#include "genkidama/ipc/replay_buffer.h"

namespace genkidama::test {

enum class End { kNone, kTerminated, kTruncated };

/// Steps from the observation n to n + 1 with the reward 10 n and the action n.
inline void store(ReplayBuffer& buffer, int core, float n, End end = End::kNone,
                  const std::vector<std::uint8_t>& mask = {}) {
  const std::vector<float> before{n, -n}, after{n + 1, -n - 1};
  buffer.store(core, {before, {&n, 1}, 10 * n, after, end == End::kTerminated, end == End::kTruncated, mask});
}

}  // namespace genkidama::test
