#include "run/report/episode_picture.h"

#include <fmt/format.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include "genkidama/core/error.h"

namespace genkidama::run {
namespace {

constexpr std::uintmax_t kMostBytes = 32 << 20;

std::string type_of(const std::filesystem::path& file) {
  if (file.extension() == ".svg") return "image/svg+xml";
  if (file.extension() == ".gif") return "image/gif";
  throw ArgumentError(fmt::format("episode is '{}'; expected FILE.svg or FILE.gif", file.string()));
}

std::string bytes_of(const std::filesystem::path& file) {
  std::error_code error;
  const bool is_file = std::filesystem::is_regular_file(file, error);
  const std::uintmax_t size = is_file ? std::filesystem::file_size(file, error) : 0;
  if (!is_file || error || size == 0 || size > kMostBytes) {
    throw ArgumentError(
        fmt::format("episode is '{}', which {}; expected a picture of at most {} MiB", file.string(),
                    !is_file ? "is no file" : fmt::format("has {} bytes", size), kMostBytes >> 20));
  }
  std::ifstream stream(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!bytes.empty()) return bytes;
  throw ArgumentError(
      fmt::format("episode is '{}', which cannot be read; expected a picture", file.string()));
}

/// RFC 4648, section 4.
std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view part = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8 | (j < part.size() ? static_cast<unsigned char>(part[j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= part.size() ? kDigits[bits >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

}  // namespace

std::string episode_picture(const std::filesystem::path& file) {
  const std::string type = type_of(file);
  return fmt::format("<p><img class=\"episode\" alt=\"a recorded episode\" src=\"data:{};base64,{}\"/></p>\n",
                     type, base64(bytes_of(file)));
}

}  // namespace genkidama::run
