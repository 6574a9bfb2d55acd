#pragma once

/// @file
/// Aligned columns for people.

#include <string>
#include <vector>

namespace genkidama::cli {

/// The first column to the left, the others to the right, two spaces between; every line ends with a line
/// break. Rows have as many fields as there are columns.
std::string aligned_table(const std::vector<std::string>& columns,
                          const std::vector<std::vector<std::string>>& rows);

}  // namespace genkidama::cli
