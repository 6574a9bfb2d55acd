#pragma once

/// @file
/// Errors at the edge of a process.

#include <functional>

namespace genkidama::cli {

/// The result of `body`. What it throws becomes one line on standard error and an exit code: 2 for an
/// ArgumentError, 1 for anything else, 128 + N after stop signal N.
int guarded(const std::function<int()>& body) noexcept;

}  // namespace genkidama::cli
