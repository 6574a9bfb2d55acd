// TorchScript modules, as LibTorch's own reader takes them.
#include <torch/script.h>

#include <sstream>

#include "../run/export/exported_policies.h"
#include "../run/export/library_policy.h"
#include "genkidama/run/export.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr int kRows = 200;

torch::jit::Module loaded(const std::filesystem::path& policy) {
  std::istringstream file(run::export_policy(policy, {.format = run::ExportFormat::kTorchscript}).bytes);
  return torch::jit::load(file);
}

torch::Tensor row_of(std::vector<float>& values) {
  return torch::from_blob(values.data(), {1, static_cast<std::int64_t>(values.size())}).clone();
}

std::vector<float> floats_of(const c10::IValue& value) {
  const torch::Tensor tensor = value.toTensor().contiguous();
  REQUIRE(tensor.scalar_type() == torch::kFloat);
  return {tensor.data_ptr<float>(), tensor.data_ptr<float>() + tensor.numel()};
}

void check_close(const std::vector<float>& value, const std::vector<float>& expected) {
  REQUIRE(value.size() == expected.size());
  float largest = 1;
  for (const float each : expected) largest = std::max(largest, std::abs(each));
  for (std::size_t i = 0; i < value.size(); ++i) CHECK(std::abs(value[i] - expected[i]) <= 1e-5F * largest);
}

}  // namespace

TEST_CASE("LibTorch loads an exported TorchScript module, which computes what the library computes") {
  const torch::NoGradGuard no_gradients;
  const TemporaryDirectory directory;
  for (const ExportedCase& policy : exported_cases()) {
    CAPTURE(policy.name);
    const auto path = directory / "policy";
    write_policy(path, policy);
    LibraryPolicy library(path);
    torch::jit::Module module = loaded(path);
    Random random(13);
    int chosen_alike = 0;
    for (int i = 0; i < kRows; ++i) {
      auto observation = library.observation(random);
      auto mask = library.mask(random);
      std::vector<c10::IValue> inputs{row_of(observation)};
      if (!library.state.empty()) inputs.emplace_back(row_of(library.state));
      if (!mask.empty()) {
        inputs.emplace_back(torch::tensor(std::vector<std::uint8_t>(mask)).to(torch::kBool).unsqueeze(0));
      }
      const auto outputs = library.outputs(observation);
      const auto action = library.action(outputs, mask, Acting::kGreedy, random);
      const auto results = module.forward(inputs).toTuple()->elements().vec();
      REQUIRE(results.size() == (library.state.empty() ? 2 : 3));
      check_close(floats_of(results[0]), outputs);
      if (!library.state.empty()) check_close(floats_of(results[2]), library.state);
      const auto own = floats_of(results[1]);
      REQUIRE(own.size() == action.size());
      const std::size_t choices = library.actions().choices.size();
      // Two outputs may be nearly the same.
      chosen_alike +=
          std::equal(action.begin(), action.begin() + static_cast<std::ptrdiff_t>(choices), own.begin());
      check_close({own.begin() + static_cast<std::ptrdiff_t>(choices), own.end()},
                  {action.begin() + static_cast<std::ptrdiff_t>(choices), action.end()});
    }
    CHECK(chosen_alike >= kRows - 1);
  }
}

TEST_CASE("an exported TorchScript module takes many rows, and leaves the mask to its default") {
  const torch::NoGradGuard no_gradients;
  const TemporaryDirectory directory;
  const auto path = directory / "policy";
  for (const ExportedCase& policy : exported_cases()) {
    CAPTURE(policy.name);
    write_policy(path, policy);
    LibraryPolicy library(path);
    torch::jit::Module module = loaded(path);
    const auto size = static_cast<std::int64_t>(library.observation_size());
    std::vector<c10::IValue> inputs{torch::randn({5, size})};
    if (!library.state.empty())
      inputs.emplace_back(torch::zeros({5, static_cast<std::int64_t>(library.state.size())}));
    const auto results = module.forward(inputs).toTuple()->elements().vec();
    CHECK(results[1].toTensor().size(0) == 5);
    CHECK(results[1].toTensor().size(1) == static_cast<std::int64_t>(library.actions().width()));
    for (const torch::Tensor& buffer : module.buffers()) CHECK_FALSE(buffer.requires_grad());
    CHECK(module.parameters().size() == 0);
  }
}
