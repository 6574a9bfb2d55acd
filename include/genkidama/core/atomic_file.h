#pragma once

/// @file
/// Files that are replaced whole or not at all.

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Replaces `path` by a file with these bytes: writes a temporary file in the same directory, syncs it,
/// renames it over `path` and syncs the directory. A reader sees the old file or the new one, whole, also
/// after a power cut.
///
/// The file's mode is 0644 less the umask. A symbolic link at `path` is replaced, not followed. Throws
/// IoError (full disk, no permission, no such directory) with the old file intact and the temporary one
/// removed. A process killed midway may leave a file named ".genkidama-*.tmp". Thread-safe and process-safe;
/// the last writer wins.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
/// The same for text.
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

/// As above with the parts one after the other, so that a large file need not be assembled in memory.
void write_file_atomically(const std::filesystem::path& path,
                           std::span<const std::span<const std::byte>> parts);

}  // namespace genkidama
