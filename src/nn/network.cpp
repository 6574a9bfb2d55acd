#include "genkidama/nn/network.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"

namespace genkidama {

void Network::use_device(const std::string& device) {
  if (device == "cpu") return;
  throw ArgumentError(fmt::format(
      "device is '{}', and this network computes on the processor; expected 'cpu', or a network made "
      "of LibTorch's modules",
      device));
}

}  // namespace genkidama
