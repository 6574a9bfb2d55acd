#pragma once

// What the lead must know before it can make the shared memory: the environment's spec, the network's layout
// and its first weights.

#include <cstdint>
#include <functional>
#include <vector>

#include "genkidama/env/environment.h"
#include "genkidama/params/parameter_layout.h"
#include "rl/hogwild_worker.h"

namespace genkidama {

struct Description {
  EnvironmentSpec environment;
  ParameterLayout layout;
  std::vector<float> weights;
};

/// Makes one environment and one network in this process.
Description describe_here(const WorkerSetup& setup);

/// Does so in a forked process that then ends, so that this one runs nothing of the user's before it forks
/// its workers (LibTorch's OpenMP pool, once used, does not survive a fork). Throws WorkerError with the text
/// of what failed there, or when it has not answered by `timeout`, and StoppedError when `give_up`, if it is
/// not empty, says true meanwhile.
Description describe_in_forked_process(const WorkerSetup& setup, Milliseconds timeout,
                                       const std::function<bool()>& give_up = {});

}  // namespace genkidama
