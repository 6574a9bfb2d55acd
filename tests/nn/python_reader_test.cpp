// What the examples' Python script reads from a checkpoint is the network that was written.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/nn/local_network.h"
#include "genkidama/nn/networks.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// Standard output of a shell command; fails the test when it does not exit with 0.
std::string output_of(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text.push_back(static_cast<char>(c));
  REQUIRE(pclose(pipe) == 0);
  return text;
}

}  // namespace

TEST_CASE("fly_in_gym.py computes the logits of the network in a checkpoint") {
  const NetworkSpec spec{{8}, 4, 1};
  Random random(3);
  for (const NetworkFactory& factory : {thesis_network(), mlp_network()}) {
    LocalNetwork network(factory(spec, 1), spec);
    for (float& w : network.weights()) w = static_cast<float>(random.uniform(-1, 1));
    const TemporaryDirectory directory;
    const auto path = directory.path() / "weights.safetensors";
    write_safetensors(
        path, {network.layout(), std::vector<float>(network.weights().begin(), network.weights().end()), {}});

    std::vector<float> observation(8), expected(4);
    std::string list;
    for (float& x : observation) {
      x = static_cast<float>(random.uniform(-2, 2));
      list += fmt::format("{}{:.9g}", list.empty() ? "" : ",", x);
    }
    network.policy().logits(network.weights(), observation, expected);
    const std::string text =
        output_of(fmt::format("'{}' -B -c 'import sys; sys.path.insert(0, \"{}\"); import fly_in_gym as f; "
                              "print(*f.logits(f.read_weights(\"{}\"), [{}]))'",
                              GENKIDAMA_PYTHON, GENKIDAMA_LANDER_EXAMPLE, path.string(), list));
    const char* position = text.c_str();
    for (const float logit : expected) {
      char* end = nullptr;
      const double got = std::strtod(position, &end);
      REQUIRE(end != position);
      REQUIRE(got == Approx(logit).margin(1e-5));
      position = end;
    }
  }
}
