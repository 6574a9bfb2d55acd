#include "genkidama/env/drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/one_line.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/utf8.h"

namespace genkidama {
namespace {

bool is_finite(Point point) {
  return genkidama::is_finite(point.x) && genkidama::is_finite(point.y);
}

bool is_sound(const View& view) {
  const bool has_area = is_finite({view.left, view.bottom}) && is_finite({view.right, view.top}) &&
                        view.right > view.left && view.top > view.bottom;
  return has_area && genkidama::is_finite(view.step_seconds) && view.step_seconds > 0;
}

}  // namespace

void Drawing::note(std::string problem) {
  if (problem_.empty()) problem_ = std::move(problem);
}

void Drawing::view(const View& view, Colour background) {
  if (has_view_) return note("view() was called twice; expected it once, before all primitives");
  if (!is_sound(view)) {
    return note(
        fmt::format("view() was given x {} to {}, y {} to {} and {} seconds a step; expected finite numbers, "
                    "the first of each pair the lower one, and seconds above 0",
                    view.left, view.right, view.bottom, view.top, view.step_seconds));
  }
  has_view_ = true;
  view_ = view;
  background_ = background;
}

bool Drawing::accepts(const char* primitive, std::span<const Point> points, std::size_t least) {
  if (!has_view_) {
    note(fmt::format("{}() was called before there was a view; expected view() first", primitive));
    return false;
  }
  if (points.size() < least) {
    note(fmt::format("{}() was given {} points; expected at least {}", primitive, points.size(), least));
    return false;
  }
  for (const Point& point : points) {
    if (is_finite(point)) continue;
    note(fmt::format("{}() was given the point ({}, {}); expected finite numbers", primitive, point.x,
                     point.y));
    return false;
  }
  return true;
}

bool Drawing::accepts_size(const char* primitive, const char* what, float size) {
  if (genkidama::is_finite(size) && size > 0) return true;
  note(fmt::format("{}() was given the {} {}; expected a finite number above 0", primitive, what, size));
  return false;
}

void Drawing::polygon(std::span<const Point> corners, Colour fill) {
  if (!accepts("polygon", corners, 3)) return;
  shapes_.emplace_back(Polygon{{corners.begin(), corners.end()}, fill});
}

void Drawing::line(std::span<const Point> points, float width, Colour colour) {
  if (!accepts("line", points, 2) || !accepts_size("line", "width", width)) return;
  shapes_.emplace_back(Line{{points.begin(), points.end()}, width, colour});
}

void Drawing::circle(Point centre, float radius, Colour fill) {
  if (!accepts("circle", {&centre, 1}, 1) || !accepts_size("circle", "radius", radius)) return;
  shapes_.emplace_back(Circle{centre, radius, fill});
}

void Drawing::text(Point left_bottom, float height, std::string_view text, Colour colour) {
  if (!accepts("text", {&left_bottom, 1}, 1) || !accepts_size("text", "height", height)) return;
  shapes_.emplace_back(Text{left_bottom, height, as_one_line(to_utf8(text)), colour});
}

void Drawing::draw_on(Canvas& canvas, std::size_t first, std::size_t end) const {
  if (!has_view_) return;
  canvas.view(view_, background_);
  struct Painter {
    Canvas& canvas;
    void operator()(const Polygon& shape) { canvas.polygon(shape.corners, shape.fill); }
    void operator()(const Line& shape) { canvas.line(shape.points, shape.width, shape.colour); }
    void operator()(const Circle& shape) { canvas.circle(shape.centre, shape.radius, shape.fill); }
    void operator()(const Text& shape) {
      canvas.text(shape.left_bottom, shape.height, shape.text, shape.colour);
    }
  };
  for (std::size_t i = first; i < std::min(end, shapes_.size()); ++i) std::visit(Painter{canvas}, shapes_[i]);
}

Drawing drawing_of(const Environment& environment) {
  Drawing drawing;
  environment.draw(drawing);
  return drawing;
}

}  // namespace genkidama
