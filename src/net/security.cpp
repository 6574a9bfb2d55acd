#include "genkidama/net/security.h"

#include <algorithm>

namespace genkidama {

bool valid_token(std::string_view token) {
  return !token.empty() && token.size() <= kMaxTokenBytes &&
         std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace genkidama
