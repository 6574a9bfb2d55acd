#pragma once

// Reading text of a peer throws nothing but std::bad_alloc.

#include <fmt/format.h>

#include <exception>
#include <new>
#include <string_view>

#include "genkidama/wire/decoded.h"
#include "genkidama/wire/message.h"

namespace genkidama {

/// decode(text), and what it throws as an error.
template <typename Decode>
auto guarded_decode(std::string_view text, const Decode& decode) -> decltype(decode(text)) {
  try {
    return decode(text);
  } catch (const std::bad_alloc&) {
    // It is not the message that is wrong.
    throw;
  } catch (const std::exception& error) {
    return WireError{fmt::format("text message: {}", printable(error.what()))};
  }
}

}  // namespace genkidama
