// A Parent without an environment, a network or LibTorch: it needs to know the tensors only.
#include <fmt/format.h>

#include <vector>

#include "genkidama/core/version.h"
#include "genkidama/net/parent.h"

int main() {
  const genkidama::ParameterLayout layout({{"layer.weight", {2, 3}}, {"layer.bias", {2}}});
  genkidama::ParentOptions options;
  options.listen = {genkidama::Endpoint::parse("127.0.0.1:0")};
  genkidama::Parent parent(options, layout, std::vector<float>(layout.size()));
  parent.start();
  fmt::print("Genkidama {}: a Parent for {} weights on port {}\n", genkidama::kVersion, layout.size(),
             parent.ports().front());
  parent.stop();
  return 0;
}
