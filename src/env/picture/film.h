#pragma once

// Drawings one after the other.

#include <vector>

#include "genkidama/env/drawing.h"

namespace genkidama::picture {

struct Frame {
  Drawing drawing;     ///< has a view
  double seconds = 0;  ///< how long it is shown, > 0
};

using Film = std::vector<Frame>;

}  // namespace genkidama::picture
