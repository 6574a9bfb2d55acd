#include "cli/commands/film_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstddef>
#include <system_error>
#include <utility>

#include "cli/commands/checkpoint_records.h"
#include "env/picture/gif.h"
#include "env/picture/svg.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"

namespace genkidama::cli {
namespace {

using Path = std::filesystem::path;

constexpr picture::Size kMostSize{600, 400};

/// A directory that is removed unless it was given its name.
class NewDirectory {
 public:
  explicit NewDirectory(const Path& path)
      : path_(path), partial_(path.string() + fmt::format(".part-{}", ::getpid())) {
    std::filesystem::create_directory(partial_);
  }
  ~NewDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(partial_, ignored);
  }
  NewDirectory(const NewDirectory&) = delete;
  NewDirectory& operator=(const NewDirectory&) = delete;

  const Path& partial() const { return partial_; }
  void finish() const { std::filesystem::rename(partial_, path_); }

 private:
  Path path_, partial_;
};

void write_frames(const Path& path, const picture::Film& film, picture::Size size,
                  const std::function<void(double)>& on_progress) {
  try {
    const NewDirectory directory(path);
    for (std::size_t i = 0; i < film.size(); ++i) {
      on_progress(static_cast<double>(i) / static_cast<double>(film.size()));
      write_file_atomically(directory.partial() / fmt::format("frame_{:04}.svg", i),
                            picture::to_svg(film[i].drawing, size));
    }
    directory.finish();
  } catch (const std::filesystem::filesystem_error& error) {
    throw IoError(
        fmt::format("{}: the pictures could not be written: {}", path.string(), error.code().message()));
  }
}

}  // namespace

FilmFile::FilmFile(Path path) : path_(std::move(path)) {
  const std::string text = path_.string(), ending = path_.extension().string();
  if (!path_.has_filename()) {
    format_ = Format::kFrames;
    path_ = path_.parent_path();
  } else if (ending == ".gif") {
    format_ = Format::kGif;
  } else if (ending == ".svg") {
    format_ = Format::kSvg;
  } else {
    throw ArgumentError(fmt::format(
        "--record is '{}'; expected a name that ends in .gif or .svg, or in / for a directory of pictures",
        text));
  }
  if (format_ == Format::kGif && !picture::has_gif()) {
    throw ArgumentError(fmt::format(
        "--record is '{}', and this program was built without giflib (Debian: libgif-dev); expected a name "
        "that ends in .svg or in /",
        text));
  }
  std::error_code ignored;
  if (!std::filesystem::is_directory(directory_of(path_), ignored))
    throw ArgumentError(fmt::format("--record is '{}'; expected a path in a directory that exists", text));
  if (format_ == Format::kFrames && std::filesystem::exists(path_, ignored))
    throw ArgumentError(fmt::format("--record is '{}', which exists; expected a new directory", text));
  if (format_ != Format::kFrames && std::filesystem::is_directory(path_, ignored))
    throw ArgumentError(fmt::format("--record is '{}', which is a directory; expected a file", text));
}

void FilmFile::write(const picture::Film& film, const std::function<void(double done)>& on_progress) const {
  const picture::Size size = picture::fitted(film.front().drawing.view(), kMostSize);
  switch (format_) {
    case Format::kGif:
      return write_file_atomically(path_, picture::to_gif(film, size, on_progress));
    case Format::kSvg:
      return write_file_atomically(path_, picture::to_svg(film, size));
    case Format::kFrames:
      return write_frames(path_, film, size, on_progress);
  }
}

}  // namespace genkidama::cli
