#pragma once

/// @file
/// A file of TensorBoard's events: each is a record with two checksums.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "run/metrics/appended_file.h"

namespace genkidama::run {

/// The event as a record of a TFRecord file: its length (8 bytes, little-endian), the masked CRC-32C of these
/// bytes (4), the event, and the masked CRC-32C of it (4).
std::string event_record(std::string_view event);

/// Of one process. A run that goes on has another one beside it, as TensorBoard wants: it reads the files of
/// a directory in the order of their names, each to its end.
class EventFile {
 public:
  /// A new file in `directory`. With `keep_until` the events of earlier processes whose step is above it are
  /// taken out of their files first, and a reader that has seen them forgets them. Throws IoError when the
  /// new file cannot be written.
  EventFile(const std::filesystem::path& directory, std::optional<std::uint64_t> keep_until);

  /// As AppendedFile.
  bool append(std::string_view event) { return file_.append(event_record(event)); }
  void sync() { file_.sync(); }
  const std::filesystem::path& path() const { return file_.path(); }

 private:
  explicit EventFile(const std::filesystem::path& path);

  AppendedFile file_;
};

/// The event files that runs have left in `directory`, the oldest first.
std::vector<std::filesystem::path> event_files(const std::filesystem::path& directory);

}  // namespace genkidama::run
