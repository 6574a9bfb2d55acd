#include "env/picture/picture_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <span>
#include <string_view>

namespace genkidama::picture {
namespace {

// Where a viewer's own numbers may end; it is far outside of every picture.
constexpr double kFarthest = 1e6;

int whole(double value) {
  return static_cast<int>(std::lround(std::clamp(value, -kFarthest, kFarthest)));
}

std::string hex(Colour colour) {
  return fmt::format("{:02x}{:02x}{:02x}", colour.red, colour.green, colour.blue);
}

/// Drawing has taken control characters out.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char each : text) {
    if (each == '"' || each == '\\') result += '\\';
    result += each;
  }
  return result + '"';
}

/// Writes the shapes of one picture. The world's y grows upwards, and that of the picture downwards.
class Writer final : public Canvas {
 public:
  explicit Writer(const View& view)
      : view_(view),
        scale_(kPictureUnits / (static_cast<double>(view.right) - static_cast<double>(view.left))) {}

  int height() const {
    return std::max(1, whole((static_cast<double>(view_.top) - static_cast<double>(view_.bottom)) * scale_));
  }

  void view(const View&, Colour) override {}
  void polygon(std::span<const Point> corners, Colour fill) override {
    add("[\"p\",\"{}\",[{}]]", hex(fill), places(corners));
  }
  void line(std::span<const Point> points, float width, Colour colour) override {
    add("[\"l\",\"{}\",{},[{}]]", hex(colour), length(width), places(points));
  }
  void circle(Point centre, float radius, Colour fill) override {
    add("[\"c\",\"{}\",{},{}]", hex(fill), place(centre), length(radius));
  }
  void text(Point left_bottom, float height, std::string_view text, Colour colour) override {
    add("[\"t\",\"{}\",{},{},{}]", hex(colour), place(left_bottom), length(height), quoted(text));
  }

  const std::string& shapes() const { return shapes_; }

 private:
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    if (!shapes_.empty()) shapes_ += ',';
    fmt::format_to(std::back_inserter(shapes_), format, std::forward<Args>(args)...);
  }

  int length(float units) const { return std::max(1, whole(static_cast<double>(units) * scale_)); }
  std::string place(Point point) const {
    return fmt::format("{},{}",
                       whole((static_cast<double>(point.x) - static_cast<double>(view_.left)) * scale_),
                       whole((static_cast<double>(view_.top) - static_cast<double>(point.y)) * scale_));
  }
  std::string places(std::span<const Point> points) const {
    std::string result;
    for (const Point& point : points) {
      if (!result.empty()) result += ',';
      result += place(point);
    }
    return result;
  }

  View view_;
  double scale_;
  std::string shapes_;
};

}  // namespace

std::string to_json(const Drawing& drawing) {
  Writer writer(drawing.view());
  drawing.draw_on(writer);
  return fmt::format("{{\"w\":{},\"h\":{},\"b\":\"{}\",\"s\":[{}]}}", kPictureUnits, writer.height(),
                     hex(drawing.background()), writer.shapes());
}

}  // namespace genkidama::picture
