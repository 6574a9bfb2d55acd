#pragma once

// Comparing a secret with what a stranger gave.

#include <cstddef>
#include <string_view>

namespace genkidama {

/// `secret` is not empty. How long it takes follows from `given` alone.
inline bool is_same_secret(std::string_view given, std::string_view secret) {
  volatile unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    difference = difference | static_cast<unsigned char>(given[i] ^ secret[i % secret.size()]);
  }
  return difference == 0;
}

}  // namespace genkidama
