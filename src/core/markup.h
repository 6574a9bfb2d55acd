#pragma once

// Text from outside on its way into SVG and HTML.

#include <string>
#include <string_view>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The text as it may stand between tags and in an attribute's quotes, in XML as in HTML. What is not UTF-8,
/// and what XML 1.0 does not allow, becomes U+FFFD.
std::string markup_text(std::string_view text);

}  // namespace genkidama
