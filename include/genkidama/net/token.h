#pragma once

/// @file
/// Where the shared token of LinkSecurity::token comes from. Hand it to a program in a file or in the
/// environment: every user of a machine can read command lines.

#include <filesystem>
#include <string>
#include <string_view>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The environment variable that may hold the token. Forked and started processes inherit it.
inline constexpr const char* kTokenVariable = "GENKIDAMA_TOKEN";

/// Returns a new token: 64 hexadecimal digits of 256 random bits. Throws IoError when the system gives no
/// random numbers.
std::string make_token();

/// Returns the token in `file`, which holds one line; the end of the line does not belong to the token. An
/// empty path stands for the environment: the value of GENKIDAMA_TOKEN, or an empty text when the variable is
/// not set.
///
/// Logs a warning for a file that every user of the machine can read, and for a token of fewer than 16
/// characters, which can be guessed. Throws ArgumentError when the file cannot be read and when it holds no
/// token by valid_token(). The text names the file, and begins with `option` where a program calls the option
/// by another name; no part of the token is in it.
std::string read_token(const std::filesystem::path& file, std::string_view option = "security.token from");

}  // namespace genkidama
