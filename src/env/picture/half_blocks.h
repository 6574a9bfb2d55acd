#pragma once

// Pictures in a terminal: each character shows two pixels, one above the other, by its two colours.

#include <optional>
#include <string>

#include "env/picture/image.h"
#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace picture {

/// Writes one picture after the other to the same place of a terminal with 24-bit colours, and sends only the
/// characters that differ from those of the picture before.
class HalfBlocks {
 public:
  /// What the terminal must be sent to show the image, which has an even height, with its left upper corner
  /// at that row and column (the first ones are 1). The cursor is left behind the last character.
  std::string show(const Image& image, int row, int column);
  /// All characters are sent again next time, as after the terminal was cleared.
  void forget() { before_.reset(); }

 private:
  std::optional<Image> before_;
};

}  // namespace picture
}  // namespace genkidama
