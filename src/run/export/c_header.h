#pragma once

/// @file
/// A policy as a header of C99.

#include <string>

#include "run/export/portable_policy.h"
#include "run/export/recorded_steps.h"

namespace genkidama::run {

/// The whole header. Its identifiers begin with `prefix`, its macros with that in capital letters, and it
/// tests itself with `steps`. Nothing that the policy's file says as text gets into it as anything but a
/// comment.
std::string c_header(const PortablePolicy& policy, const RecordedSteps& steps, const std::string& prefix);

}  // namespace genkidama::run
