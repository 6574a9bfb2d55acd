#pragma once

/// @file
/// Pictures that fill a terminal.

#include <atomic>
#include <string>

#include "env/picture/half_blocks.h"
#include "genkidama/env/drawing.h"
#include "genkidama/ipc/shared_array.h"

namespace genkidama::cli {

/// Whether standard output is a terminal that takes escape sequences.
bool is_picture_terminal();

/// The terminal's other screen, on which pictures are shown: what was on the first one is there again
/// afterwards. Made before a fork, it is shared by both processes: the one shows pictures, and the other one
/// leaves the screen when the first has died. It ignores Ctrl-Z from its making on, because the shell would
/// find itself on the other screen.
class PictureScreen {
 public:
  PictureScreen();
  /// leave()
  ~PictureScreen();
  PictureScreen(const PictureScreen&) = delete;
  PictureScreen& operator=(const PictureScreen&) = delete;

  /// Shows the drawing, which has a view, as large as it fits, and the text in the line below. Enters the
  /// screen if need be, and fits into a window whose size has changed. Throws IoError.
  void show(const Drawing& drawing, const std::string& text);
  /// Leaves the screen, if it was entered and nobody has left it.
  void leave() noexcept;

 private:
  void clear();

  SharedArray<std::atomic<bool>> entered_;
  picture::HalfBlocks blocks_;
  picture::Size window_;  ///< in characters
  picture::Size picture_;
  int shown_ = 0;
};

}  // namespace genkidama::cli
