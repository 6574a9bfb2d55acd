#include "cli/terminal/picture_screen.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "cli/terminal/fitted_line.h"
#include "cli/terminal/output.h"
#include "env/picture/raster.h"

namespace genkidama::cli {
namespace {

// The other screen, without a cursor; and back.
constexpr const char* kEnter = "\x1b[?1049h\x1b[?25l\x1b[2J";
constexpr const char* kLeave = "\x1b[0m\x1b[?25h\x1b[?1049l";
constexpr const char* kClear = "\x1b[0m\x1b[2J";
// What a key or another program has written over the picture is covered again after so many pictures.
constexpr int kWholePictureEvery = 25;

picture::Size window_size() {
  winsize size{};
  const bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
  return is_known ? picture::Size{size.ws_col, size.ws_row} : picture::Size{80, 24};
}

}  // namespace

bool is_picture_terminal() {
  const char* const terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && terminal != nullptr && std::strcmp(terminal, "dumb") != 0;
}

PictureScreen::PictureScreen() : entered_(1, "the state of the terminal") {
  std::signal(SIGTSTP, SIG_IGN);
}

PictureScreen::~PictureScreen() {
  leave();
}

void PictureScreen::leave() noexcept {
  if (!entered_[0].exchange(false)) return;
  try {
    write_now(kLeave);
  } catch (const std::exception&) {
    // The terminal is gone.
  }
}

void PictureScreen::clear() {
  write_now(kClear);
  blocks_.forget();
}

void PictureScreen::show(const Drawing& drawing, const std::string& text) {
  if (!entered_[0].exchange(true)) {
    write_now(kEnter);
    blocks_.forget();
  }
  const picture::Size window = window_size();
  const int rows = std::max(1, window.height - 1);
  picture::Size size = picture::fitted(drawing.view(), {window.width, 2 * rows});
  size.height = std::max(2, size.height / 2 * 2);
  if (!(window == window_) || !(size == picture_)) clear();
  window_ = window;
  picture_ = size;
  if (++shown_ % kWholePictureEvery == 0) blocks_.forget();
  const int row = 1 + (rows - size.height / 2) / 2, column = 1 + (window_.width - size.width) / 2;
  std::string bytes = blocks_.show(picture::rasterise(drawing, size), row, column);
  const auto columns = static_cast<std::size_t>(window_.width);
  bytes += fmt::format("\x1b[{};1H{}\x1b[K", window_.height, fitted_line({{text, 0}}, columns));
  write_now(bytes);
}

}  // namespace genkidama::cli
