#pragma once

// A machine's end of its link, both ways.

#include <cstddef>
#include <limits>

#include "genkidama/core/random.h"
#include "genkidama/sim/simulation.h"
#include "sim/partitions.h"
#include "sim/pipe.h"

namespace genkidama::sim {

/// Of a link on which messages follow each other all the time, the window is open: ten packets go at once.
inline constexpr std::size_t kOpenWindow = 10 * kPacketBytes;

/// One machine's link: a transfer goes through its pipe, takes the link's delay, and waits for a partition's
/// end. `opening` is how much of a message has to wait until TCP's window is open; all of it unless it is
/// given.
class MachineLink {
 public:
  explicit MachineLink(const LinkModel& model)
      : model_(model), up_(model.bits_per_second), down_(model.bits_per_second), partitions_(model) {}

  const LinkModel& model() const { return model_; }
  const Partitions& partitions() const { return partitions_; }

  /// A message that the machine hands over in that time. When it is at the other end.
  Passage send(const Passage& in, std::size_t message, Random& random, std::size_t opening = kAll);
  /// A message that the other end sends in that time. When all of it is here.
  Clock::time_point receive(const Passage& sent, std::size_t message, Random& random,
                            std::size_t opening = kAll);

 private:
  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  LinkModel model_;
  Pipe up_, down_;
  Partitions partitions_;
};

}  // namespace genkidama::sim
