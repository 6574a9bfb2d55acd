#include "env/picture/gif.h"

#include "genkidama/core/error.h"

#ifdef GENKIDAMA_HAS_GIF

#include <fmt/format.h>
#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "env/picture/palette.h"
#include "env/picture/raster.h"

namespace genkidama::picture {
namespace {

constexpr std::size_t kColours = 256;
// What has not changed since the frame before.
constexpr std::uint8_t kUnchanged = kColours - 1;
// Browsers take a shorter one for a mistake, and show the frame for ten times as long.
constexpr int kLeastDelay = 2;  // hundredths of a second

/// A picture of palette indices, or the part of it that a frame replaces.
struct Part {
  int left = 0, top = 0, width = 0, height = 0;
  std::vector<std::uint8_t> indices;
};

class Encoder {
 public:
  Encoder(Size size, const std::vector<Colour>& colours) {
    int error = 0;
    file_ = EGifOpen(&bytes_, append, &error);
    if (file_ == nullptr) fail(error);
    EGifSetGifVersion(file_, true);
    std::array<GifColorType, kColours> entries{};
    for (std::size_t i = 0; i < colours.size(); ++i)
      entries[i] = {colours[i].red, colours[i].green, colours[i].blue};
    ColorMapObject* const map = GifMakeMapObject(kColours, entries.data());
    if (map == nullptr) fail(E_GIF_ERR_NOT_ENOUGH_MEM);
    const int made = EGifPutScreenDesc(file_, size.width, size.height, 8, 0, map);
    GifFreeMapObject(map);
    check(made);
    put_loop();
  }
  ~Encoder() {
    if (file_ != nullptr) close();
  }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  void add(Part& part, int delay) {
    const GraphicsControlBlock control{DISPOSE_DO_NOT, false, delay, kUnchanged};
    std::array<GifByteType, 4> bytes{};
    EGifGCBToExtension(&control, bytes.data());
    check(EGifPutExtension(file_, GRAPHICS_EXT_FUNC_CODE, static_cast<int>(bytes.size()), bytes.data()));
    check(EGifPutImageDesc(file_, part.left, part.top, part.width, part.height, false, nullptr));
    for (int row = 0; row < part.height; ++row)
      check(EGifPutLine(file_, part.indices.data() + static_cast<std::ptrdiff_t>(row) * part.width,
                        part.width));
  }

  std::string finish() {
    if (const int error = close(); error != 0) fail(error);
    return std::move(bytes_);
  }

 private:
  static int append(GifFileType* file, const GifByteType* bytes, int count) {
    try {
      static_cast<std::string*>(file->UserData)
          ->append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
      return count;
    } catch (const std::bad_alloc&) {
      return 0;  // no exception may pass through a library in C, which tells this failure by its own code
    }
  }

  void put_loop() {
    constexpr std::array<GifByteType, 3> kForEver{1, 0, 0};
    check(EGifPutExtensionLeader(file_, APPLICATION_EXT_FUNC_CODE));
    check(EGifPutExtensionBlock(file_, 11, "NETSCAPE2.0"));
    check(EGifPutExtensionBlock(file_, static_cast<int>(kForEver.size()), kForEver.data()));
    check(EGifPutExtensionTrailer(file_));
  }

  int close() {
    int error = 0;
    const bool closed = EGifCloseFile(std::exchange(file_, nullptr), &error) == GIF_OK;
    return closed ? 0 : error;
  }

  void check(int result) const {
    if (result != GIF_OK) fail(file_->Error);
  }
  [[noreturn]] static void fail(int error) {
    const char* const text = GifErrorString(error);
    throw Error(fmt::format("giflib could not make a GIF: {}", text != nullptr ? text : "no reason given"));
  }

  std::string bytes_;
  GifFileType* file_ = nullptr;
};

/// What differs between two pictures of the same size, at least one pixel of it. What is the same inside of
/// the rectangle is left as it is.
Part changed_part(Size size, const std::vector<std::uint8_t>& before, const std::vector<std::uint8_t>& now) {
  const auto index = [&](int x, int y) {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(size.width) + static_cast<std::size_t>(x);
  };
  int left = size.width, right = 0, top = size.height, bottom = 0;
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      if (before[index(x, y)] == now[index(x, y)]) continue;
      left = std::min(left, x);
      right = std::max(right, x + 1);
      top = std::min(top, y);
      bottom = y + 1;
    }
  }
  if (left >= right) left = top = 0, right = bottom = 1;
  Part part{left, top, right - left, bottom - top, {}};
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      const std::uint8_t colour = now[index(x, y)];
      part.indices.push_back(before[index(x, y)] == colour ? kUnchanged : colour);
    }
  }
  return part;
}

}  // namespace

bool has_gif() {
  return true;
}

std::string to_gif(const Film& film, Size size, const std::function<void(double done)>& on_frame) {
  std::size_t passed = 0;
  const auto rasterise_next = [&](const Frame& frame) {
    if (on_frame) on_frame(static_cast<double>(passed++) / static_cast<double>(2 * film.size()));
    return rasterise(frame.drawing, size);
  };
  // Twice, because the pixels of all frames would take much more memory than their drawings.
  ColourCounts counts;
  for (const Frame& frame : film) counts.add(rasterise_next(frame));
  Palette palette(counts.most_frequent(kColours - 1));
  Encoder encoder(size, palette.colours());
  std::vector<std::uint8_t> before;
  double seconds = 0;
  int shown = 0;
  for (const Frame& frame : film) {
    const Image image = rasterise_next(frame);
    std::vector<std::uint8_t> now;
    now.reserve(image.pixels.size());
    for (const Colour& pixel : image.pixels) now.push_back(palette.index_of(pixel));
    seconds += frame.seconds;
    const double ends = std::min(100 * seconds, 1e9);
    const int delay = std::clamp(static_cast<int>(std::lround(ends)) - shown, kLeastDelay, 0xFFFF);
    shown += delay;
    Part part = before.empty() ? Part{0, 0, size.width, size.height, now} : changed_part(size, before, now);
    encoder.add(part, delay);
    before = std::move(now);
  }
  return encoder.finish();
}

}  // namespace genkidama::picture

#else

namespace genkidama::picture {

bool has_gif() {
  return false;
}

std::string to_gif(const Film&, Size, const std::function<void(double)>&) {
  throw Error("this library was built without giflib, so it makes no GIF");
}

}  // namespace genkidama::picture

#endif
