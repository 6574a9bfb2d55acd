#pragma once

/// @file
/// A file that grows by whole pieces and survives a kill and a full disk.

#include <sys/types.h>

#include <filesystem>
#include <string_view>

namespace genkidama::run {

/// Every piece is one write at the end of the file, so that a killed process leaves whole pieces.
class AppendedFile {
 public:
  /// The file is there, and what is after `end` bytes of it is none of ours. Throws IoError.
  AppendedFile(std::filesystem::path path, off_t end);
  ~AppendedFile();
  AppendedFile(const AppendedFile&) = delete;
  AppendedFile& operator=(const AppendedFile&) = delete;

  /// Whether the piece is there. A failure (full disk) is logged once and leaves no half piece; later pieces
  /// are tried again.
  bool append(std::string_view piece);
  /// Makes the pieces so far outlive a power cut. A failure is logged as one of append().
  void sync();

  const std::filesystem::path& path() const { return path_; }

 private:
  int write_piece(std::string_view piece);
  void log_failure(int error);

  std::filesystem::path path_;
  int file_ = -1;
  off_t end_ = 0;  ///< of the last whole piece
  bool failure_logged_ = false;
};

}  // namespace genkidama::run
