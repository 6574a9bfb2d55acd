#include "env/picture/raster.h"

#include <array>
#include <functional>
#include <limits>

#include "support/catch.h"

namespace genkidama::picture {
namespace {

constexpr Colour kWhite{255, 255, 255};
constexpr Colour kBlack{0, 0, 0};

/// A picture whose pixels are units of the world, with the origin at the left bottom.
Image pixels(Size size, const std::function<void(Canvas&)>& draw) {
  Drawing drawing;
  drawing.view({0, 0, static_cast<float>(size.width), static_cast<float>(size.height)}, kWhite);
  draw(drawing);
  return rasterise(drawing, size);
}

int dark(const Image& image) {
  int count = 0;
  for (const Colour& pixel : image.pixels) count += pixel == kBlack ? 1 : 0;
  return count;
}

TEST_CASE("a picture has its view's ratio") {
  CHECK(fitted({0, 0, 3, 2}, {600, 400}) == Size{600, 400});
  CHECK(fitted({-1, -1, 1, 1}, {600, 400}) == Size{400, 400});
  CHECK(fitted({0, 0, 1000, 1}, {600, 400}) == Size{600, 1});
  CHECK(fitted({0, 0, 1, 1e30F}, {600, 400}) == Size{1, 400});
}

TEST_CASE("a square covers its pixels, and parts of pixels by their share") {
  const Image image = pixels({6, 5}, [](Canvas& canvas) {
    canvas.polygon(std::array{Point{1, 1}, Point{3.5F, 1}, Point{3.5F, 3}, Point{1, 3}}, kBlack);
  });
  for (int y = 0; y < 5; ++y) {
    for (int x = 0; x < 6; ++x) {
      CAPTURE(x, y);
      const bool is_row = y == 2 || y == 3;  // the topmost row is 0
      const Colour expected = !is_row || x == 0 || x > 3 ? kWhite : x == 3 ? Colour{127, 127, 127} : kBlack;
      CHECK(image.at(x, y).red == Approx(expected.red).margin(1));
    }
  }
}

TEST_CASE("the corners may go round either way, and a later shape covers an earlier one") {
  const Image image = pixels({4, 4}, [](Canvas& canvas) {
    canvas.polygon(std::array{Point{0, 0}, Point{0, 4}, Point{4, 4}, Point{4, 0}}, kBlack);
    canvas.polygon(std::array{Point{0, 0}, Point{2, 0}, Point{2, 4}, Point{0, 4}}, {9, 8, 7});
  });
  CHECK(image.at(0, 0) == Colour{9, 8, 7});
  CHECK(image.at(3, 3) == kBlack);
}

TEST_CASE("a polygon that is not convex has its notch") {
  const Image image = pixels({8, 8}, [](Canvas& canvas) {
    canvas.polygon(std::array{Point{0, 0}, Point{8, 0}, Point{8, 8}, Point{4, 2}, Point{0, 8}}, kBlack);
  });
  CHECK(image.at(4, 1) == kWhite);
  CHECK(image.at(0, 6) == kBlack);
  CHECK(image.at(7, 6) == kBlack);
}

TEST_CASE("a circle has its area, and a line its width") {
  const Image circle = pixels({40, 40}, [](Canvas& canvas) { canvas.circle({20, 20}, 10, kBlack); });
  CHECK(dark(circle) > 260);
  CHECK(dark(circle) < 314);
  CHECK(circle.at(20, 20) == kBlack);
  CHECK(circle.at(11, 11) == kWhite);
  const Image line = pixels({20, 9}, [](Canvas& canvas) {
    canvas.line(std::array{Point{4, 4.5F}, Point{16, 4.5F}}, 3, kBlack);
  });
  CHECK(line.at(10, 3) == kBlack);
  CHECK(line.at(10, 5) == kBlack);
  CHECK(line.at(10, 2) == kWhite);
  CHECK(line.at(1, 4) == kWhite);
}

TEST_CASE("thin lines and tiny circles are still seen") {
  const Image image = pixels({9, 9}, [](Canvas& canvas) {
    canvas.line(std::array{Point{0, 4.5F}, Point{9, 4.5F}}, 1e-6F, kBlack);
    canvas.circle({4.5F, 7.5F}, 1e-6F, kBlack);
  });
  CHECK(image.at(4, 4) == kBlack);
  CHECK(image.at(4, 1).red < 100);
}

TEST_CASE("what is outside is cut off, however far it goes") {
  constexpr float kFar = std::numeric_limits<float>::max();
  const Image image = pixels({8, 8}, [](Canvas& canvas) {
    canvas.polygon(std::array{Point{-kFar, 4}, Point{-kFar, -kFar}, Point{kFar, -kFar}, Point{kFar, 4}},
                   kBlack);
    canvas.circle({kFar, kFar}, 1, kBlack);
    canvas.circle({-100, 4}, 50, kBlack);
    canvas.line(std::array{Point{-kFar, 6.5F}, Point{kFar, 6.5F}}, 1, kBlack);
    canvas.line(std::array{Point{9, -kFar}, Point{9, kFar}}, 1, kBlack);
    canvas.text({-kFar, kFar}, kFar, "far", kBlack);
  });
  for (int x = 0; x < 8; ++x) {
    CHECK(image.at(x, 0) == kWhite);
    CHECK(image.at(x, 3) == kWhite);
    CHECK(image.at(x, 4) == kBlack);
    CHECK(image.at(x, 7) == kBlack);
  }
}

TEST_CASE("text stands above its line, and has a letter for every character") {
  const auto width = [](const char* text) {
    const Image image = pixels({60, 12}, [&](Canvas& canvas) { canvas.text({1, 2}, 6, text, kBlack); });
    int last = 0;
    for (int x = 0; x < 60; ++x) {
      for (int y = 0; y < 12; ++y) {
        if (!(image.at(x, y) == kWhite)) last = x;
      }
    }
    return last;
  };
  CHECK(width("") == 0);
  CHECK(width("H") == 5);
  CHECK(width("HH") == 11);
  CHECK(width("\xc3\xa4H") == 11);  // one character of two bytes
  const Image image = pixels({8, 12}, [](Canvas& canvas) { canvas.text({1, 2}, 6, "I", kBlack); });
  CHECK(dark(pixels({8, 12}, [](Canvas& canvas) { canvas.text({1, 2}, 6, " ", kBlack); })) == 0);
  CHECK_FALSE(image.at(3, 6) == kWhite);
}

}  // namespace
}  // namespace genkidama::picture
