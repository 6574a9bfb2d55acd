#include "genkidama/net/security.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <random>

namespace genkidama {

bool valid_token(std::string_view token) {
  return !token.empty() && token.size() <= kMaxTokenBytes &&
         std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; });
}

std::string make_token() {
  std::random_device random;
  std::string token;
  for (int i = 0; i < 8; ++i) token += fmt::format("{:08x}", static_cast<std::uint32_t>(random()));
  return token;
}

}  // namespace genkidama
