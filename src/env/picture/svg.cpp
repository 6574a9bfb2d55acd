#include "env/picture/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <span>
#include <utility>

#include "core/markup.h"

namespace genkidama::picture {
namespace {

// Where a viewer's own numbers may end; it is far outside of every picture.
constexpr double kFarthest = 1e6;

std::string hex(Colour colour) {
  return fmt::format("#{:02x}{:02x}{:02x}", colour.red, colour.green, colour.blue);
}

/// With two digits behind the point, but for zeros at the end.
std::string number(double value) {
  std::string text = fmt::format("{:.2f}", std::clamp(value, -kFarthest, kFarthest));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

/// Writes the elements of one picture. The world's y grows upwards, and that of SVG downwards.
class Writer final : public Canvas {
 public:
  Writer(const View& view, Size size)
      : view_(view),
        scale_x_(size.width / (static_cast<double>(view.right) - static_cast<double>(view.left))),
        scale_y_(size.height / (static_cast<double>(view.top) - static_cast<double>(view.bottom))) {}

  void view(const View&, Colour) override {}

  void polygon(std::span<const Point> corners, Colour fill) override {
    add("<polygon points=\"{}\" fill=\"{}\"/>\n", places(corners), hex(fill));
  }

  void line(std::span<const Point> points, float width, Colour colour) override {
    add("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linecap=\"round\" "
        "stroke-linejoin=\"round\"/>\n",
        places(points), hex(colour), number(std::max(1.0, length(width))));
  }

  void circle(Point centre, float radius, Colour fill) override {
    add("<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\"/>\n", number(x_of(centre)), number(y_of(centre)),
        number(std::max(0.5, length(radius))), hex(fill));
  }

  void text(Point left_bottom, float height, std::string_view text, Colour colour) override {
    constexpr double kCapitals = 0.72;  // of the size of most fonts
    add("<text x=\"{}\" y=\"{}\" font-size=\"{}\" font-family=\"sans-serif\" fill=\"{}\">{}</text>\n",
        number(x_of(left_bottom)), number(y_of(left_bottom)), number(length(height) / kCapitals), hex(colour),
        markup_text(text));
  }

  /// What was written since the last call.
  std::string take() { return std::move(text_); }

 private:
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
  }

  double x_of(Point point) const {
    return (static_cast<double>(point.x) - static_cast<double>(view_.left)) * scale_x_;
  }
  double y_of(Point point) const {
    return (static_cast<double>(view_.top) - static_cast<double>(point.y)) * scale_y_;
  }
  double length(float units) const {
    return static_cast<double>(units) * std::sqrt(scale_x_) * std::sqrt(scale_y_);
  }
  std::string places(std::span<const Point> points) const {
    std::string result;
    for (const Point& point : points) {
      if (!result.empty()) result += ' ';
      result += number(x_of(point)) + ',' + number(y_of(point));
    }
    return result;
  }

  View view_;
  double scale_x_, scale_y_;
  std::string text_;
};

/// The elements of a drawing but for its first `skipped` shapes.
std::string elements(const Drawing& drawing, Size size, std::size_t skipped) {
  Writer writer(drawing.view(), size);
  drawing.draw_on(writer, skipped);
  return writer.take();
}

std::string begin(Size size, Colour background) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"{2}\"/>\n",
      size.width, size.height, hex(background));
}

/// How many shapes all frames begin with, at the same places of the picture.
std::size_t common_shapes(const Film& film) {
  const Drawing& first = film.front().drawing;
  std::size_t count = first.shapes().size();
  for (const Frame& frame : film) {
    const Drawing& drawing = frame.drawing;
    if (!(drawing.view() == first.view()) || !(drawing.background() == first.background())) return 0;
    const auto end = first.shapes().begin() + static_cast<std::ptrdiff_t>(count);
    const auto differs =
        std::mismatch(first.shapes().begin(), end, drawing.shapes().begin(), drawing.shapes().end());
    count = static_cast<std::size_t>(differs.first - first.shapes().begin());
  }
  return count;
}

}  // namespace

std::string to_svg(const Drawing& drawing, Size size) {
  return begin(size, drawing.background()) + elements(drawing, size, 0) + "</svg>\n";
}

std::string to_svg(const Film& film, Size size) {
  const Drawing& first = film.front().drawing;
  double total = 0;
  for (const Frame& frame : film) total += frame.seconds;
  const std::size_t common = common_shapes(film);
  std::string text = begin(size, first.background());
  if (common > 0) {
    Drawing ground;
    first.draw_on(ground, 0, common);
    text += elements(ground, size, 0);
  }
  // Each frame has a rule of its own that says from when to when it is seen.
  text += fmt::format("<style>g{{visibility:hidden;animation:{:.3f}s step-end infinite}}</style>\n", total);
  double start = 0;
  for (std::size_t i = 0; i < film.size(); ++i) {
    const double end = start + film[i].seconds;
    text += fmt::format(
        "<style>@keyframes f{0}{{0%{{visibility:hidden}}{1:.4f}%{{visibility:visible}}{2:.4f}%{{visibility:"
        "hidden}}}}</style>\n<g style=\"animation-name:f{0}\">\n",
        i, 100 * start / total, 100 * end / total);
    const Drawing& drawing = film[i].drawing;
    if (!(drawing.background() == first.background()))
      text += fmt::format("<rect width=\"{}\" height=\"{}\" fill=\"{}\"/>\n", size.width, size.height,
                          hex(drawing.background()));
    text += elements(drawing, size, common) + "</g>\n";
    start = end;
  }
  return text + "</svg>\n";
}

}  // namespace genkidama::picture
