#pragma once

/// @file
/// The machine that a run has run on, for its summary.

#include <nlohmann/json.hpp>

namespace genkidama::run {

/// "processor" (null where the system does not tell), "architecture", "cores" that this process may use, and
/// "system".
nlohmann::ordered_json machine_json();

}  // namespace genkidama::run
