#pragma once

/// @file
/// A line that fits into a terminal.

#include <cstddef>
#include <string>
#include <vector>

namespace genkidama::cli {

/// A piece of a line, such as "mean return 250.9".
struct LinePart {
  std::string text;
  int rank = 0;  ///< on a narrow terminal the parts with the highest rank are left out first
};

/// The parts with two spaces between. Whole parts are left out until the line has at most `columns`
/// characters; a part that is left alone and still too long is cut at its end.
std::string fitted_line(std::vector<LinePart> parts, std::size_t columns);

}  // namespace genkidama::cli
