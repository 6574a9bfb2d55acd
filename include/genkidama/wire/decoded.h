#pragma once

/// @file
/// The result of reading bytes that came from outside: a value, or the reason why there is none.

#include <string>
#include <utility>
#include <variant>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Why bytes or text were not understood, in words for a log or a refusal. It never holds control characters.
struct WireError {
  std::string reason;  ///< a sentence without its full stop
};

/// Either a T or a WireError. Reading what a peer sent throws nothing but std::bad_alloc.
template <typename T>
class Decoded {
 public:
  /// Holds what was read.
  Decoded(T value) : content_(std::move(value)) {}
  /// Holds why nothing was read.
  Decoded(WireError error) : content_(std::move(error)) {}

  /// Whether there is a value.
  bool ok() const { return content_.index() == 0; }
  /// The same as ok().
  explicit operator bool() const { return ok(); }

  /// What was read; to be called only when ok().
  T& value() { return *std::get_if<0>(&content_); }
  /// What was read; to be called only when ok().
  const T& value() const { return *std::get_if<0>(&content_); }
  /// Why nothing was read; to be called only when not ok().
  const std::string& reason() const { return std::get_if<1>(&content_)->reason; }

 private:
  std::variant<T, WireError> content_;
};

}  // namespace genkidama
