#pragma once

// Letters made of straight strokes: enough for figures and labels in a picture, in a hundred lines of text.

#include <string_view>

namespace genkidama::picture {

/// In units of a letter's grid: x grows to the right from the letter's left side, y upwards from the line
/// that it stands on.
struct GridPoint {
  double x = 0;
  double y = 0;
};

inline constexpr double kLetterHeight = 6;   ///< of a capital letter
inline constexpr double kLetterAdvance = 6;  ///< from one letter's left side to the next one's

/// The strokes of a character, each two digits for each point: x, and y + 2. A space is between two strokes.
std::string_view strokes_of(char character);

/// Calls use(GridPoint from, GridPoint to) for each straight part; both are the same for a dot.
template <typename Use>
void for_each_stroke(char character, const Use& use) {
  const std::string_view strokes = strokes_of(character);
  const auto point = [&](std::size_t at) {
    return GridPoint{static_cast<double>(strokes[at] - '0'), static_cast<double>(strokes[at + 1] - '0') - 2};
  };
  for (std::size_t at = 0; at + 3 < strokes.size(); at += 2) {
    if (strokes[at + 2] == ' ')
      ++at;  // and the next part begins with another stroke
    else
      use(point(at), point(at + 2));
  }
}

}  // namespace genkidama::picture
