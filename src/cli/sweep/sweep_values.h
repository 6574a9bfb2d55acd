#pragma once

/// @file
/// Parts of the grammar of a sweep's flags.

#include <string>
#include <vector>

#include "genkidama/run/sweep.h"

namespace genkidama::cli {

using run::SweepValue;

/// At the commas, without the spaces around each part.
std::vector<std::string> split(const std::string& text);

/// "NAME=VALUE" as a value that an option may have in a sweep. `given` is the flag and its text, for errors,
/// `expected` the form of it. Throws ArgumentError.
SweepValue parse_value(const std::string& text, const std::string& given, const char* expected);

/// Why `option` cannot be varied in a sweep; empty when it can be.
std::string reserved_reason(const std::string& option);
/// Throws ArgumentError with that reason.
void check_not_reserved(const std::string& option, const std::string& given);

}  // namespace genkidama::cli
