#pragma once

/// @file
/// What an action is refused with.

#include <string>

#include "genkidama/core/error.h"

namespace genkidama::test {

/// The text of the ArgumentError that `action()` throws; empty: it throws none.
template <typename Action>
std::string refusal(Action action) {
  try {
    action();
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "";
}

}  // namespace genkidama::test
