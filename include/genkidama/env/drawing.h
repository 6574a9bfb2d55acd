#pragma once

/// @file
/// A picture as the list of what was drawn, to be counted, compared, kept, and drawn again elsewhere.

#include <cstddef>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/env/canvas.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// A canvas that keeps what is drawn on it, and leaves out what breaks a rule of Canvas. Every other backend
/// is given one, so that it need not look at a number again.
class Drawing final : public Canvas {
 public:
  /// As Canvas::polygon().
  struct Polygon {
    std::vector<Point> corners;                       ///< at least three
    Colour fill;                                      ///< of its inside
    bool operator==(const Polygon&) const = default;  ///< compares all of it
  };
  /// As Canvas::line().
  struct Line {
    std::vector<Point> points;                     ///< at least two
    float width = 0;                               ///< > 0
    Colour colour;                                 ///< of all of it
    bool operator==(const Line&) const = default;  ///< compares all of it
  };
  /// As Canvas::circle().
  struct Circle {
    Point centre;                                    ///< its middle
    float radius = 0;                                ///< > 0
    Colour fill;                                     ///< of its inside
    bool operator==(const Circle&) const = default;  ///< compares all of it
  };
  /// As Canvas::text().
  struct Text {
    Point left_bottom;  ///< where its first capital letter stands
    float height = 0;   ///< of a capital letter, > 0
    std::string text;   ///< UTF-8 without control characters; others stand in the place of what was not
    Colour colour;      ///< of all of it
    bool operator==(const Text&) const = default;  ///< compares all of it
  };
  /// One of the primitives.
  using Shape = std::variant<Polygon, Line, Circle, Text>;

  void view(const View& view, Colour background) override;
  void polygon(std::span<const Point> corners, Colour fill) override;
  void line(std::span<const Point> points, float width, Colour colour) override;
  void circle(Point centre, float radius, Colour fill) override;
  void text(Point left_bottom, float height, std::string_view text, Colour colour) override;

  /// Whether there is a picture: a view that keeps the rules was given.
  bool has_view() const { return has_view_; }
  /// What view() was given; with has_view() only.
  const View& view() const { return view_; }
  /// The colour behind all shapes.
  Colour background() const { return background_; }
  /// The primitives, the first one at the bottom.
  const std::vector<Shape>& shapes() const { return shapes_; }
  /// The first rule that was broken, in one sentence such as "circle() was given the radius nan; expected a
  /// finite number above 0"; empty when none was.
  const std::string& problem() const { return problem_; }
  /// Draws the same on another canvas; nothing without a view. Of the shapes only those from number `first`
  /// on, without number `end` and those behind it.
  void draw_on(Canvas& canvas, std::size_t first = 0,
               std::size_t end = std::numeric_limits<std::size_t>::max()) const;

 private:
  bool accepts(const char* primitive, std::span<const Point> points, std::size_t least);
  bool accepts_size(const char* primitive, const char* what, float size);
  void note(std::string problem);

  bool has_view_ = false;
  View view_;
  Colour background_;
  std::vector<Shape> shapes_;
  std::string problem_;
};

/// What the environment draws of its present state. Throws what Environment::draw() throws.
Drawing drawing_of(const Environment& environment);

}  // namespace genkidama
