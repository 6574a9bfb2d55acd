#pragma once

/// @file
/// The name that a Parent's run has for its Children.

#include <string>

namespace genkidama {

/// A name that no other run has: the present time and random digits.
std::string new_run_id();

}  // namespace genkidama
