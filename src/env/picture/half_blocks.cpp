#include "env/picture/half_blocks.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace genkidama::picture {
namespace {

constexpr const char* kUpperHalf = "\xe2\x96\x80";  // U+2580
constexpr const char* kPlain = "\x1b[0m";

using Cell = std::pair<Colour, Colour>;  ///< its upper pixel and its lower one

Cell cell(const Image& image, int x, int row) {
  return {image.at(x, 2 * row), image.at(x, 2 * row + 1)};
}

}  // namespace

std::string HalfBlocks::show(const Image& image, int row, int column) {
  std::string text;
  std::optional<Cell> colours;  // that are set
  const bool is_new = !before_ || !(before_->size == image.size);
  for (int y = 0; 2 * y + 1 < image.size.height; ++y) {
    bool is_there = false;  // the cursor, at the next character
    for (int x = 0; x < image.size.width; ++x) {
      const Cell now = cell(image, x, y);
      if (!is_new && cell(*before_, x, y) == now) {
        is_there = false;
        continue;
      }
      const auto out = std::back_inserter(text);
      if (!is_there) fmt::format_to(out, "\x1b[{};{}H", row + y, column + x);
      if (colours != now) {
        const auto& [upper, lower] = now;
        fmt::format_to(out, "\x1b[38;2;{};{};{};48;2;{};{};{}m", upper.red, upper.green, upper.blue,
                       lower.red, lower.green, lower.blue);
      }
      colours = now;
      text += kUpperHalf;
      is_there = true;
    }
  }
  if (colours) text += kPlain;
  before_ = image;
  return text;
}

}  // namespace genkidama::picture
