#include "env/picture/image.h"

#include <algorithm>
#include <cmath>

namespace genkidama::picture {

Size fitted(const View& view, Size most) {
  const double width = static_cast<double>(view.right) - static_cast<double>(view.left);
  const double height = static_cast<double>(view.top) - static_cast<double>(view.bottom);
  const double scale = std::min(most.width / width, most.height / height);
  const auto pixels = [scale](double length, int limit) {
    return static_cast<int>(std::clamp(std::round(length * scale), 1.0, static_cast<double>(limit)));
  };
  return {pixels(width, most.width), pixels(height, most.height)};
}

}  // namespace genkidama::picture
