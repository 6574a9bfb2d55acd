#pragma once

/// @file
/// Files that a command writes at its end.

#include <string>

namespace genkidama::cli {

/// Before minutes of work: throws ArgumentError, with the flag, for a path in no directory, and for a file
/// whose name has not this ending, such as ".svg", unless the ending is empty or something that is no regular
/// file is there. An empty path will do.
void check_result_file(const char* flag, const std::string& file, const std::string& ending = "");

}  // namespace genkidama::cli
