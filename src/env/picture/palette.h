#pragma once

// The few colours that an indexed picture may have.

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "env/picture/image.h"

namespace genkidama::picture {

/// How often each colour was seen.
class ColourCounts {
 public:
  void add(const Image& image);
  /// The colours that were seen most often, at most so many, in an order that follows from the counts alone.
  std::vector<Colour> most_frequent(std::size_t most) const;

 private:
  std::unordered_map<std::uint32_t, std::uint64_t> counts_;
};

/// Stands for any colour by the nearest of its own.
class Palette {
 public:
  /// 1 to 256 colours.
  explicit Palette(std::vector<Colour> colours) : colours_(std::move(colours)) {}

  const std::vector<Colour>& colours() const { return colours_; }
  std::uint8_t index_of(Colour colour);

 private:
  std::vector<Colour> colours_;
  std::unordered_map<std::uint32_t, std::uint8_t> known_;
};

}  // namespace genkidama::picture
