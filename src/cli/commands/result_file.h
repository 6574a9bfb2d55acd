#pragma once

/// @file
/// Files that a command writes at its end.

#include <string>

namespace genkidama::cli {

/// Before minutes of work: throws ArgumentError, with the flag, for a path in no directory. An empty
/// one will do.
void check_result_file(const char* flag, const std::string& file);

}  // namespace genkidama::cli
