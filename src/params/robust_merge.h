#pragma once

/// @file
/// Median, trimmed mean, Krum and multi-Krum over the last weights of each Child.

#include <memory>

#include "genkidama/params/merge_methods.h"

namespace genkidama {

/// `options` are sound, and of one of these kinds.
std::unique_ptr<MergeMethod> make_robust_merge(const MergeOptions& options);

}  // namespace genkidama
