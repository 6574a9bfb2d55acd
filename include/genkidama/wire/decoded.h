#pragma once

/// @file
/// The result of reading bytes that came from outside: a value, or the reason why there is none.

#include <string>
#include <utility>
#include <variant>

namespace genkidama {

/// Why bytes or text were not understood, in words for a log or a refusal. Never holds control characters.
struct WireError {
  std::string reason;
};

/// Either a T or a WireError. Reading what a peer sent never throws.
template <typename T>
class Decoded {
 public:
  Decoded(T value) : content_(std::move(value)) {}
  Decoded(WireError error) : content_(std::move(error)) {}

  bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// Only when ok().
  T& value() { return *std::get_if<0>(&content_); }
  const T& value() const { return *std::get_if<0>(&content_); }
  /// Only when not ok().
  const std::string& reason() const { return std::get_if<1>(&content_)->reason; }

 private:
  std::variant<T, WireError> content_;
};

}  // namespace genkidama
