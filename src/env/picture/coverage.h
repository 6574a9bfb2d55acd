#pragma once

// How much of each pixel a polygon covers.

#include <span>
#include <vector>

#include "env/picture/image.h"

namespace genkidama::picture {

/// A place in a picture, in pixels from its left upper corner.
struct Place {
  double x = 0;
  double y = 0;
};

/// Fills polygons with smooth edges. For each edge and row it adds to each pixel by how much the share of the
/// row to the right of the edge differs from that of the pixel before; the sum along the row is then the
/// share of each pixel that is inside.
class Filler {
 public:
  explicit Filler(Image& image) : image_(image) {}

  /// Any corners may be outside of the image, however far.
  void fill(std::span<const Place> corners, Colour colour);

 private:
  void add_edge(Place from, Place to);
  void add_part(double left, double right, double height, std::size_t row_start);
  void blend(Colour colour);

  Image& image_;
  // The part of the image that the polygon may cover: columns left_ to right_ - 1, rows top_ to bottom_ - 1.
  int left_ = 0, right_ = 0, top_ = 0, bottom_ = 0;
  std::size_t stride_ = 0;
  std::vector<float> changes_;
};

}  // namespace genkidama::picture
