#pragma once

// Shapes that several tasks draw, made of the primitives of a Canvas.

#include <array>
#include <cmath>

#include "genkidama/env/canvas.h"

namespace genkidama::drawn {

/// A point by the numbers that motions are computed with.
inline Point at(double x, double y) {
  return {static_cast<float>(x), static_cast<float>(y)};
}

inline void box(Canvas& canvas, double left, double bottom, double right, double top, Colour fill) {
  canvas.polygon(std::array{at(left, bottom), at(right, bottom), at(right, top), at(left, top)}, fill);
}

inline void segment(Canvas& canvas, Point from, Point to, double width, Colour colour) {
  canvas.line(std::array{from, to}, static_cast<float>(width), colour);
}

/// A pole that stands at `foot`, with a pennant at its top that points to the right.
inline void flag(Canvas& canvas, Point foot, double height, Colour pole, Colour cloth) {
  const double x = foot.x, top = foot.y + height;
  segment(canvas, foot, at(x, top), 0.07 * height, pole);
  canvas.polygon(std::array{at(x, top), at(x + 0.6 * height, top - 0.2 * height), at(x, top - 0.4 * height)},
                 cloth);
}

/// An arrow of that length to the right, or to the left where `length` is below 0; nothing where it is 0.
inline void arrow(Canvas& canvas, Point from, double length, double width, Colour colour) {
  if (length == 0) return;
  const double head = std::copysign(2.5 * width, length), end = from.x + length;
  segment(canvas, from, at(end - head, from.y), width, colour);
  canvas.polygon(
      std::array{at(end, from.y), at(end - head, from.y + 1.5 * width), at(end - head, from.y - 1.5 * width)},
      colour);
}

}  // namespace genkidama::drawn
