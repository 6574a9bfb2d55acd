#include "env/picture/palette.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace genkidama::picture {
namespace {

std::uint32_t key_of(Colour colour) {
  return std::uint32_t{colour.red} << 16 | std::uint32_t{colour.green} << 8 | colour.blue;
}

Colour colour_of(std::uint32_t key) {
  return {static_cast<std::uint8_t>(key >> 16), static_cast<std::uint8_t>(key >> 8),
          static_cast<std::uint8_t>(key)};
}

int squared_distance(Colour left, Colour right) {
  const int red = left.red - right.red, green = left.green - right.green, blue = left.blue - right.blue;
  return red * red + green * green + blue * blue;
}

}  // namespace

void ColourCounts::add(const Image& image) {
  for (const Colour& pixel : image.pixels) ++counts_[key_of(pixel)];
}

std::vector<Colour> ColourCounts::most_frequent(std::size_t most) const {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> sorted;
  for (const auto& [key, count] : counts_) sorted.emplace_back(count, key);
  std::sort(sorted.rbegin(), sorted.rend());
  if (sorted.size() > most) sorted.resize(most);
  std::vector<Colour> colours;
  for (const auto& [count, key] : sorted) colours.push_back(colour_of(key));
  return colours;
}

std::uint8_t Palette::index_of(Colour colour) {
  const auto [entry, is_new] = known_.try_emplace(key_of(colour), std::uint8_t{0});
  if (!is_new) return entry->second;
  int least = std::numeric_limits<int>::max();
  for (std::size_t i = 0; i < colours_.size(); ++i) {
    const int distance = squared_distance(colour, colours_[i]);
    if (distance >= least) continue;
    least = distance;
    entry->second = static_cast<std::uint8_t>(i);
  }
  return entry->second;
}

}  // namespace genkidama::picture
