#pragma once

/// @file
/// The library's words in those of the command line.

#include <string>
#include <string_view>
#include <vector>

#include "cli/options/option_row.h"

namespace genkidama::cli {

/// An error of the library, which names fields, with flags in place of those names that options have:
/// "replay_capacity is 10" becomes "--replay-capacity is 10". A name of one word is replaced only where the
/// text begins with it and "is" follows.
std::string with_flags(std::string_view text, const std::vector<OptionRow>& rows);

}  // namespace genkidama::cli
