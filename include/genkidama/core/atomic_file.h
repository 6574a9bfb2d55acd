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
/// removed. A process killed midway may leave a file named ".genkidama-*.tmp", see remove_leftovers().
/// Thread-safe and process-safe; the last writer wins.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
/// The same for text.
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

/// As above with the parts one after the other, so that a large file need not be assembled in memory.
void write_file_atomically(const std::filesystem::path& path,
                           std::span<const std::span<const std::byte>> parts);

/// As above, and the file that was at `path` is afterwards at `previous`, in the same directory, in place of
/// what was there. At every moment, also when it throws or the process is killed, at least one of the two
/// names bears a whole file if one did before; it is `path` itself where the file system knows hard links.
void write_file_keeping_previous(const std::filesystem::path& path, const std::filesystem::path& previous,
                                 std::span<const std::span<const std::byte>> parts);

/// Removes what processes that were killed while they wrote left in this directory. Not while another process
/// may be writing there. Never throws.
void remove_leftovers(const std::filesystem::path& directory) noexcept;

}  // namespace genkidama
