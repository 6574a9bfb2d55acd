#pragma once

/// @file
/// What --record writes.

#include <filesystem>
#include <functional>

#include "env/picture/film.h"

namespace genkidama::cli {

/// A place for a film.
class FilmFile {
 public:
  /// By its name: FILE.gif, FILE.svg, or DIR/ for a picture of each frame. Throws ArgumentError for any other
  /// name, without giflib for a GIF, when the directory that it is to be in does not exist, and when it
  /// cannot be written: a file where a directory is, a directory that is not new.
  explicit FilmFile(std::filesystem::path path);

  /// Writes the film, which is not empty, whole or not at all. `on_progress` is called with the share that is
  /// done; what it throws leaves nothing behind. Throws IoError.
  void write(const picture::Film& film, const std::function<void(double done)>& on_progress) const;

  const std::filesystem::path& path() const { return path_; }

 private:
  enum class Format { kGif, kSvg, kFrames };

  std::filesystem::path path_;
  Format format_;
};

}  // namespace genkidama::cli
