#pragma once

/// @file
/// Whose steps a worker learns from.

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The part of a machine's replay buffer that a worker draws from.
enum class ReplayScope {
  kLocal,  ///< the steps that the worker has played itself
  kGlobal  ///< the steps of all workers of the machine
};

/// The name of a scope: "local" or "global".
const char* replay_scope_name(ReplayScope scope);

}  // namespace genkidama
