#pragma once

/// @file
/// How many processor cores this process may use.

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The number of cores that this process may use: the smaller of its affinity mask (taskset, cpuset) and the
/// processor-time quotas of its control groups (cpu.max of version 2, cfs_quota_us of version 1, each group
/// up to the root), rounded down; at least 1. "One worker per core" means this number everywhere in the
/// library.
int usable_cores();

}  // namespace genkidama
