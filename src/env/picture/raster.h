#pragma once

// Drawings as pixels, with smooth edges. The code is our own, because the libraries that draw (Cairo, Skia)
// bring windows, fonts and dozens of packages along, which the boards and cross compilers that this library
// is for do not have; filling polygons is all that the four primitives come to.

#include "env/picture/image.h"
#include "genkidama/env/drawing.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace picture {

/// The drawing, which has a view, stretched to that size. Lines are at least one pixel wide, and small
/// circles are as wide, so that nothing is lost in a small picture. Text is written in letters of straight
/// strokes; what is not in ASCII is a box.
Image rasterise(const Drawing& drawing, Size size);

}  // namespace picture
}  // namespace genkidama
