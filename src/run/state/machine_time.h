#pragma once

#include <optional>
#include <string>

namespace genkidama::run {

/// A moment since the machine was started. The calendar's clock will not do to tell how long ago something
/// was: a board without a battery comes up with the time at which it was switched off, and jumps when it
/// hears from the network.
struct MachineTime {
  std::string boot;    ///< names this start of the machine; empty: not known
  double seconds = 0;  ///< since then, those asleep included
};

MachineTime machine_time();

/// Nothing when they are of different starts of a machine, or not known.
std::optional<double> seconds_between(const MachineTime& earlier, const MachineTime& later);

}  // namespace genkidama::run
