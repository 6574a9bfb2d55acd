#include "net/hello_size.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"
#include "genkidama/wire/protocol.h"

namespace genkidama {

void check_hello_size(const HelloMessage& hello, const LinkLimits& limits, std::size_t later_bytes) {
  const std::size_t tensors = hello.layout.tensors().size(),
                    bytes = encode_message(hello).size() + later_bytes;
  if (bytes <= limits.max_control_bytes && tensors <= kMaxTensors) return;
  throw ArgumentError(fmt::format(
      "this network has {} tensors and its description {} bytes; at most {} and max_control_bytes, {}, are "
      "possible",
      tensors, bytes, kMaxTensors, limits.max_control_bytes));
}

}  // namespace genkidama
