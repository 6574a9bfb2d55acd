#pragma once

/// @file
/// Options that no run can have, told before anything is made.

#include <string>
#include <string_view>

#include "genkidama/run/run_options.h"

namespace genkidama::run {

/// Each throws ArgumentError that names the option, what it is and what is expected.
void check_run_options(const RunOptions& options);
/// The value may have been cast from a number.
void check_resume(std::string_view name, Resume resume);
/// An empty text is none, and will do.
void check_json_object(std::string_view name, const std::string& text);

}  // namespace genkidama::run
