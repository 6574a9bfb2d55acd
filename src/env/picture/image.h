#pragma once

// Pictures as pixels, and how large a picture of a view is.

#include <cstddef>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/env/canvas.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace picture {

struct Size {
  int width = 0;   ///< pixels, at least 1
  int height = 0;  ///< as above
  bool operator==(const Size&) const = default;
};

/// The largest size within `most` that has the view's ratio of width to height, as nearly as whole pixels
/// allow.
Size fitted(const View& view, Size most);

/// Pixels in rows from the left to the right, the topmost row first.
struct Image {
  explicit Image(Size size_)
      : size(size_), pixels(static_cast<std::size_t>(size_.width) * static_cast<std::size_t>(size_.height)) {}

  const Colour& at(int x, int y) const { return pixels[index(x, y)]; }
  Colour& at(int x, int y) { return pixels[index(x, y)]; }

  Size size;
  std::vector<Colour> pixels;

 private:
  std::size_t index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(size.width) + static_cast<std::size_t>(x);
  }
};

}  // namespace picture
}  // namespace genkidama
