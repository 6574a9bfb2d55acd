#pragma once

/// @file
/// Text from outside (names of files, messages of exceptions, environments' names) on its way into JSON,
/// which is UTF-8 and nothing else.

#include <cstddef>
#include <string>
#include <string_view>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Whether the text is UTF-8 by RFC 3629: neither overlong forms nor surrogates nor anything above U+10FFFF.
bool is_utf8(std::string_view text);

/// The text with U+FFFD in place of what is not UTF-8. Valid text is returned unchanged.
std::string to_utf8(std::string_view text);

/// The longest beginning of `text` that has at most `max_bytes` bytes and does not end inside a character.
/// Bytes that belong to no character count as one character each.
std::string_view cut_utf8(std::string_view text, std::size_t max_bytes);

/// Writes bytes that need not be UTF-8, such as a path, as UTF-8 without loss: each byte that belongs to no
/// character becomes U+0000 and the byte's two hexadecimal digits in lower case. No path contains U+0000, so
/// unescape_bytes() is exact for every path, and every path that is UTF-8 already is unchanged.
std::string escape_bytes(std::string_view bytes);

/// The bytes that escape_bytes() was given. A U+0000 that two hexadecimal digits do not follow is kept.
std::string unescape_bytes(std::string_view text);

}  // namespace genkidama
