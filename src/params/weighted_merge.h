#pragma once

/// @file
/// Merge rules that are the average with a weight of their own: by steps, FedAsync, and norm clipping.

#include <memory>

#include "genkidama/params/merge_methods.h"

namespace genkidama {

/// `options` are sound, and of one of these kinds.
std::unique_ptr<MergeMethod> make_weighted_merge(const MergeOptions& options);

}  // namespace genkidama
