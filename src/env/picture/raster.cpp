#include "env/picture/raster.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "env/picture/coverage.h"
#include "env/picture/stroke_font.h"

namespace genkidama::picture {
namespace {

constexpr double kLeastWidth = 1;  // pixels

class Painter final : public Canvas {
 public:
  explicit Painter(Image& image) : image_(image), filler_(image) {}

  void view(const View& view, Colour background) override {
    left_ = view.left;
    top_ = view.top;
    scale_x_ = image_.size.width / (static_cast<double>(view.right) - left_);
    scale_y_ = image_.size.height / (top_ - static_cast<double>(view.bottom));
    scale_ = std::sqrt(scale_x_) * std::sqrt(scale_y_);
    std::fill(image_.pixels.begin(), image_.pixels.end(), background);
  }

  void polygon(std::span<const Point> corners, Colour fill) override {
    places_.clear();
    for (const Point& corner : corners) places_.push_back(place(corner));
    filler_.fill(places_, fill);
  }

  void line(std::span<const Point> points, float width, Colour colour) override {
    const double pixels = std::max(kLeastWidth, static_cast<double>(width) * scale_);
    for (std::size_t i = 0; i + 1 < points.size(); ++i)
      stroke(place(points[i]), place(points[i + 1]), pixels, colour);
  }

  void circle(Point centre, float radius, Colour fill) override {
    disc(place(centre), std::max(kLeastWidth / 2, static_cast<double>(radius) * scale_), fill);
  }

  void text(Point left_bottom, float height, std::string_view text, Colour colour) override {
    const double unit = static_cast<double>(height) * scale_ / kLetterHeight;
    const double width = std::max(kLeastWidth, 0.8 * unit);
    Place letter = place(left_bottom);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      // The bytes of a character that follow its first one.
      if ((byte & 0xC0) == 0x80) continue;
      for_each_stroke(text[i], [&](GridPoint from, GridPoint to) {
        stroke({letter.x + from.x * unit, letter.y - from.y * unit},
               {letter.x + to.x * unit, letter.y - to.y * unit}, width, colour);
      });
      letter.x += kLetterAdvance * unit;
    }
  }

 private:
  Place place(Point point) const {
    return {(static_cast<double>(point.x) - left_) * scale_x_,
            (top_ - static_cast<double>(point.y)) * scale_y_};
  }

  /// A straight line with round ends, so that lines of several points have round corners.
  void stroke(Place from, Place to, double width, Colour colour) {
    const double length = std::hypot(to.x - from.x, to.y - from.y);
    disc(from, width / 2, colour);
    if (!(length > 0)) return;
    const double across_x = (to.y - from.y) / length * width / 2;
    const double across_y = (from.x - to.x) / length * width / 2;
    filler_.fill(
        std::array{Place{from.x + across_x, from.y + across_y}, Place{to.x + across_x, to.y + across_y},
                   Place{to.x - across_x, to.y - across_y}, Place{from.x - across_x, from.y - across_y}},
        colour);
    disc(to, width / 2, colour);
  }

  void disc(Place centre, double radius, Colour colour) {
    // So many corners that the edge is off a circle by a tenth of a pixel at most.
    const int corners = static_cast<int>(std::clamp(std::ceil(7.1 * std::sqrt(radius)), 8.0, 512.0));
    std::vector<Place> outline;
    for (int i = 0; i < corners; ++i) {
      const double angle = 2 * std::numbers::pi * i / corners;
      outline.push_back({centre.x + radius * std::cos(angle), centre.y + radius * std::sin(angle)});
    }
    filler_.fill(outline, colour);
  }

  Image& image_;
  Filler filler_;
  std::vector<Place> places_;
  double left_ = 0, top_ = 0;
  double scale_x_ = 1, scale_y_ = 1;  ///< pixels of a unit of the world
  double scale_ = 1;                  ///< of lengths that have no direction
};

}  // namespace

Image rasterise(const Drawing& drawing, Size size) {
  Image image(size);
  Painter painter(image);
  drawing.draw_on(painter);
  return image;
}

}  // namespace genkidama::picture
