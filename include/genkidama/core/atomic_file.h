#pragma once

/// @file
/// Files that are replaced whole or not at all.

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Replaces `path` with a file that holds these bytes: writes a temporary file in the same directory, syncs
/// it, renames it over `path` and syncs the directory. A reader sees either the old file or the new one,
/// whole, also after a power cut.
///
/// A new file gets the mode 0666 less the umask. A file that is replaced passes on its mode and its group,
/// and its owner where this process is root; permissions of a group that cannot be passed on are dropped. A
/// symbolic link is followed, also one whose target does not exist yet, and what it names is replaced. A
/// device or a FIFO is opened and written in place, without the guarantees above; opening a FIFO waits for
/// its reader. A path that stands for a descriptor of this process (/dev/stdout) is written to that
/// descriptor.
///
/// Throws IoError (full disk, no permission, no such directory, a directory or a socket) with the old file
/// intact and the temporary one removed. A process that is killed midway may leave a file named
/// ".genkidama-*.tmp"; remove_leftovers() removes it. Thread-safe and process-safe; the last writer wins.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
/// The same for text.
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

/// As above, with the parts one after the other, so that a large file need not be assembled in memory.
void write_file_atomically(const std::filesystem::path& path,
                           std::span<const std::span<const std::byte>> parts);

/// As above. The file that was at `path` is afterwards at `previous`, which is in the same directory, in
/// place of what was there. At every moment, also when this throws or the process is killed, at least one of
/// the two names stands for a whole file if one did before. Where the file system supports hard links that
/// name is `path`. `previous` is left alone when `path` is a device or a FIFO.
void write_file_keeping_previous(const std::filesystem::path& path, const std::filesystem::path& previous,
                                 std::span<const std::span<const std::byte>> parts);

/// Removes the temporary files that killed processes have left in this directory. Call it only while no other
/// process writes there. Never throws.
void remove_leftovers(const std::filesystem::path& directory) noexcept;

}  // namespace genkidama
