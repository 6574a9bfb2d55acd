#pragma once

#include <string>
#include <vector>

#include "net/fixture.h"

namespace genkidama::test {

inline const std::string kToken = "correct-horse-battery-staple-0123456789";

/// Every token that is not kToken but is like it in some way.
inline const std::vector<std::string> kWrongTokens = {
    "",                                         // none
    "correct-horse-battery-staple-012345678X",  // the same length
    "Correct-horse-battery-staple-0123456789",
    kToken.substr(0, kToken.size() - 1),
    kToken.substr(0, 1),
    kToken + "0",
    kToken + kToken,
    "x",
};

/// Wants `token` of its Children.
inline ParentOptions parent_with(const std::string& token) {
  ParentOptions options = parent_options();
  options.security.token = token;
  return options;
}

}  // namespace genkidama::test
