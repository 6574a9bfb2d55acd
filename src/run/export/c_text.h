#pragma once

/// @file
/// Words, numbers and tables of C.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace genkidama::run {

/// Longest prefix of identifiers.
inline constexpr std::size_t kLongestPrefix = 60;

/// Whether identifiers may begin with it.
bool is_c_prefix(std::string_view text);

/// Text of a stranger for within a comment: what could end the comment becomes '_'.
std::string comment_text(std::string_view text);

/// `text` with each '@' replaced by the prefix and each '$' by the prefix in capital letters.
std::string with_prefix(std::string_view text, const std::string& prefix);

/// Literals with as many digits as it takes to read the same number again.
std::string c_literal(float value);
std::string c_literal(double value);

/// "static const float NAME[] = {...};". C has no arrays without elements, so `values` must have some.
std::string c_table(std::string_view name, std::span<const float> values);
std::string c_table(std::string_view name, std::span<const double> values);
std::string c_table(std::string_view name, std::span<const std::uint8_t> values);
std::string c_table(std::string_view name, std::span<const std::uint16_t> values);
std::string c_table(std::string_view name, std::span<const std::int8_t> values);

}  // namespace genkidama::run
