#pragma once

/// @file
/// Where the shared token comes from. There is no flag that takes it: every user of a machine can read
/// command lines.

#include <string>

namespace genkidama::cli {

inline constexpr const char* kTokenVariable = "GENKIDAMA_TOKEN";

/// The token in `file` without the end of its line, or when `file` is empty that of the environment; empty
/// when neither gives one. Warns of a file that others may read and of a token that can be guessed. Throws
/// ArgumentError, without showing any of it, for what is no token.
std::string read_token(const std::string& file);

}  // namespace genkidama::cli
