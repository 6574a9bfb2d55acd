#pragma once

// Drawings as SVG, which stays sharp at any size.

#include <string>

#include "env/picture/film.h"
#include "env/picture/image.h"
#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace picture {

/// The drawing, which has a view, as an SVG file of that size.
std::string to_svg(const Drawing& drawing, Size size);

/// The film, which is not empty, as one SVG file that a browser plays over and over, by style rules and
/// without a script. What all frames begin with is written once.
std::string to_svg(const Film& film, Size size);

}  // namespace picture
}  // namespace genkidama
