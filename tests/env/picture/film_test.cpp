#include <array>
#include <stdexcept>
#include <string>

#ifdef GENKIDAMA_HAS_GIF
#include <gif_lib.h>
#endif

#include "env/picture/gif.h"
#include "env/picture/palette.h"
#include "env/picture/raster.h"
#include "env/picture/svg.h"
#include "genkidama/core/error.h"
#include "support/catch.h"

namespace genkidama::picture {
namespace {

constexpr Size kSize{30, 20};

/// A ball that moves over a floor, for `frames` pictures.
Film ball(int frames) {
  Film film;
  for (int i = 0; i < frames; ++i) {
    Drawing drawing;
    drawing.view({0, 0, 30, 20}, {240, 240, 240});
    drawing.polygon(std::array{Point{0, 0}, Point{30, 0}, Point{30, 4}, Point{0, 4}}, {0, 90, 0});
    drawing.circle({5.0F + static_cast<float>(i), 10}, 3, {200, 0, 0});
    drawing.text({2, 14}, 4, "<&>", {0, 0, 0});
    film.push_back({drawing, 0.04});
  }
  return film;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST_CASE("a palette keeps the most frequent colours and takes the nearest for the others") {
  Image image({10, 1});
  for (int x = 0; x < 10; ++x)
    image.at(x, 0) = x < 6 ? Colour{10, 0, 0} : x < 9 ? Colour{0, 90, 0} : Colour{0, 80, 0};
  ColourCounts counts;
  counts.add(image);
  Palette palette(counts.most_frequent(2));
  REQUIRE(palette.colours().size() == 2);
  CHECK(palette.colours()[0] == Colour{10, 0, 0});
  CHECK(palette.index_of({0, 80, 0}) == 1);
  CHECK(palette.index_of({255, 0, 0}) == 0);
}

TEST_CASE("a drawing becomes SVG with its shapes in their order, and y downwards") {
  const std::string svg = to_svg(ball(1)[0].drawing, kSize);
  CHECK(svg ==
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"30\" height=\"20\" viewBox=\"0 0 30 20\">\n"
        "<rect width=\"30\" height=\"20\" fill=\"#f0f0f0\"/>\n"
        "<polygon points=\"0,20 30,20 30,16 0,16\" fill=\"#005a00\"/>\n"
        "<circle cx=\"5\" cy=\"10\" r=\"3\" fill=\"#c80000\"/>\n"
        "<text x=\"2\" y=\"6\" font-size=\"5.56\" font-family=\"sans-serif\" "
        "fill=\"#000000\">&lt;&amp;&gt;</text>\n"
        "</svg>\n");
}

TEST_CASE("a film in SVG has a group for each picture, and once what all begin with") {
  const std::string svg = to_svg(ball(5), kSize);
  CHECK(count(svg, "<g ") == 5);
  CHECK(count(svg, "</g>") == 5);
  CHECK(count(svg, "<polygon") == 1);
  CHECK(count(svg, "<circle") == 5);
  CHECK(svg.find("animation:0.200s step-end infinite") != std::string::npos);
  CHECK(svg.find("@keyframes f4{0%{visibility:hidden}80.0000%{visibility:visible}") != std::string::npos);

  Film moving = ball(2);
  Drawing moved;
  moved.view({1, 0, 31, 20}, {240, 240, 240});
  moving[1].drawing.draw_on(moved);  // its view comes too late
  moving[1].drawing = moved;
  CHECK(count(to_svg(moving, kSize), "<polygon") == 2);
}

#ifdef GENKIDAMA_HAS_GIF

struct Reader {
  explicit Reader(const std::string& bytes) : left(bytes) {
    int error = 0;
    file = DGifOpen(
        this,
        [](GifFileType* gif, GifByteType* into, int wanted) {
          auto& rest = static_cast<Reader*>(gif->UserData)->left;
          const auto taken = rest.copy(reinterpret_cast<char*>(into), static_cast<std::size_t>(wanted));
          rest.remove_prefix(taken);
          return static_cast<int>(taken);
        },
        &error);
    REQUIRE(file != nullptr);
    REQUIRE(DGifSlurp(file) == GIF_OK);
  }
  ~Reader() { DGifCloseFile(file, nullptr); }
  std::string_view left;
  GifFileType* file = nullptr;
};

TEST_CASE("a GIF holds the film: its size, its times, and its pixels one frame upon the other") {
  Film film = ball(6);
  film.push_back(film.back());  // nothing changes
  film.back().seconds = 1.5;
  const std::string bytes = to_gif(film, kSize);
  const Reader reader(bytes);
  CHECK(reader.file->SWidth == 30);
  CHECK(reader.file->SHeight == 20);
  REQUIRE(reader.file->ImageCount == 7);
  std::vector<GifColorType> shown(600);
  for (int i = 0; i < 7; ++i) {
    CAPTURE(i);
    const SavedImage& image = reader.file->SavedImages[i];
    GraphicsControlBlock control{};
    REQUIRE(DGifSavedExtensionToGCB(reader.file, i, &control) == GIF_OK);
    CHECK(control.DelayTime == (i == 6 ? 150 : 4));
    const auto& [left, top, width, height, interlaced, map] = image.ImageDesc;
    if (i > 0) CHECK(width * height < 600);
    for (int at = 0; at < width * height; ++at) {
      if (image.RasterBits[at] == control.TransparentColor) continue;
      shown[static_cast<std::size_t>((top + at / width) * 30 + left + at % width)] =
          reader.file->SColorMap->Colors[image.RasterBits[at]];
    }
    const Image expected = rasterise(film[static_cast<std::size_t>(i)].drawing, kSize);
    std::size_t wrong = 0;
    for (std::size_t at = 0; at < shown.size(); ++at) {
      const Colour& pixel = expected.pixels[at];
      if (shown[at].Red != pixel.red || shown[at].Green != pixel.green || shown[at].Blue != pixel.blue)
        ++wrong;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("a frame of a GIF is shown for two hundredths of a second at least, and the times add up") {
  Film film = ball(3);
  for (Frame& frame : film) frame.seconds = 0.025;
  const std::string bytes = to_gif(film, kSize);
  const Reader reader(bytes);
  int sum = 0;
  for (int i = 0; i < 3; ++i) {
    GraphicsControlBlock control{};
    REQUIRE(DGifSavedExtensionToGCB(reader.file, i, &control) == GIF_OK);
    CHECK(control.DelayTime >= 2);
    sum += control.DelayTime;
  }
  CHECK(sum == 8);  // 7.5 hundredths
  film[0].seconds = 1e-9;
  CHECK_NOTHROW(to_gif(film, kSize));
}

TEST_CASE("making a GIF tells how far it is, and ends where that throws") {
  std::vector<double> told;
  to_gif(ball(4), kSize, [&](double done) { told.push_back(done); });
  REQUIRE(told.size() == 8);
  CHECK(told.front() == 0);
  CHECK(told.back() == 0.875);
  CHECK_THROWS_AS(to_gif(ball(4), kSize,
                         [](double done) {
                           if (done > 0.7) throw std::runtime_error("stop");
                         }),
                  std::runtime_error);
}

#else

TEST_CASE("without giflib a GIF is refused") {
  CHECK_FALSE(has_gif());
  CHECK_THROWS_AS(to_gif(ball(1), kSize), Error);
}

#endif

}  // namespace
}  // namespace genkidama::picture
