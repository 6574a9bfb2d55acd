#pragma once

/// @file
/// Which files processes have open.

#include <filesystem>

namespace genkidama::cli {

/// Whether a process of this machine that we may look into has the file open.
bool is_open_somewhere(const std::filesystem::path& file);

}  // namespace genkidama::cli
