#pragma once

#include "genkidama/sim/simulation.h"

namespace genkidama::sim {

/// Whether the machine is not there all the time.
inline bool comes_and_goes(const MachineModel& machine) {
  return machine.joins_seconds > 0 || machine.leaves_seconds > 0 || machine.present_seconds > 0;
}

}  // namespace genkidama::sim
