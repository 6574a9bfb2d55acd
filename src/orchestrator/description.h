#pragma once

// What the lead must know before it can make the shared memory: the environment's spec, the network's sizes,
// layout and first weights.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/env/environment.h"
#include "genkidama/params/parameter_layout.h"
#include "rl/worker.h"

namespace genkidama {

struct Description {
  EnvironmentSpec environment;
  NetworkSpec sizes;
  std::string network;         ///< Network::description()
  std::string behaviour;       ///< Behaviour::description()
  std::size_t state_size = 0;  ///< LocalNetwork::state_size()
  ParameterLayout layout;
  std::vector<float> weights;
};

/// How long a description may take.
struct DescriptionLimits {
  Milliseconds timeout{30'000};
  std::function<bool()> give_up = {};  ///< asked meanwhile; empty: never
};

/// Makes one environment, unless the setup holds the spec, and one network in this process.
Description describe_here(const WorkerSetup& setup);

/// Does so in a forked process that then ends, so that this process runs nothing of the user's before it
/// forks its workers (LibTorch's OpenMP pool, once used, does not survive a fork). Throws ArgumentError
/// when the environment's factory does, and WorkerError with the text of what else failed there, with the
/// signal and what was being made when the process died, or when it has not answered in time; and
/// StoppedError when `give_up` returns true meanwhile.
Description describe_in_forked_process(const WorkerSetup& setup, const DescriptionLimits& limits = {});

}  // namespace genkidama
