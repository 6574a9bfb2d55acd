#pragma once

#include <string>
#include <string_view>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Whether the text holds no line breaks and no other control characters of ASCII: names stand in lines of
/// logs and tables.
bool is_one_line(std::string_view text);

/// The text with '?' in place of these, for messages.
std::string as_one_line(std::string_view text);

}  // namespace genkidama
