#pragma once

/// @file
/// What an environment draws itself on. The caller decides what becomes of it: a picture, a terminal, a page.

#include <cstdint>
#include <span>
#include <string_view>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// A colour in sRGB, each part from 0 to 255. The default is black.
struct Colour {
  std::uint8_t red = 0;    ///< 0 to 255
  std::uint8_t green = 0;  ///< 0 to 255
  std::uint8_t blue = 0;   ///< 0 to 255

  bool operator==(const Colour&) const = default;  ///< compares all of it
};

/// A place in the world, in the environment's own units. x grows to the right, and y grows upwards.
struct Point {
  float x = 0;  ///< to the right
  float y = 0;  ///< upwards

  bool operator==(const Point&) const = default;  ///< compares all of it
};

/// What a picture shows, and for how long.
struct View {
  /// The part of the world that is seen, in the environment's own units: right > left, top > bottom, all
  /// finite. A picture has the rectangle's ratio of width to height.
  float left = 0;
  float bottom = 0;  ///< as above
  float right = 1;   ///< as above
  float top = 1;     ///< as above
  /// What one step of the environment takes in its world, in seconds: the pace at which it is watched. Finite
  /// and > 0.
  float step_seconds = 0.02F;

  bool operator==(const View&) const = default;  ///< compares all of it
};

/// A surface with a few primitives. An environment calls view() once, and then draws. Shapes cover what was
/// drawn before them; what lies outside of the view is cut off. Coordinates and lengths are in the units of
/// the world. They must be finite, and widths, radii and heights > 0; a primitive that breaks a rule is left
/// out, and so is all that comes before a view. check_environment() tells of both.
///
/// What stays the same from step to step, such as the ground, is best drawn first: a film holds it once.
///
/// One canvas is used by one thread.
class Canvas {
 public:
  virtual ~Canvas() = default;

  /// Begins a picture: what is shown, and the colour behind it.
  virtual void view(const View& view, Colour background) = 0;
  /// Fills a polygon. It has at least three corners, and its edges do not cross; it need not be convex.
  virtual void polygon(std::span<const Point> corners, Colour fill) = 0;
  /// Draws straight lines from each point to the next, `width` wide. There are at least two points.
  virtual void line(std::span<const Point> points, float width, Colour colour) = 0;
  /// Fills a circle.
  virtual void circle(Point centre, float radius, Colour fill) = 0;
  /// Writes one line of UTF-8 that begins at `left_bottom`; capital letters are `height` high.
  virtual void text(Point left_bottom, float height, std::string_view text, Colour colour) = 0;
};

}  // namespace genkidama
