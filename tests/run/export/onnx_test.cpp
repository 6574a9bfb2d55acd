// ONNX models, as another reader of them sees them: its checker, and the nodes one by one in NumPy.
#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>

#include "exported_policies.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/run/export.h"
#include "library_policy.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr int kRows = 200;
constexpr int kSkipped = 77;

template <typename T>
void write_rows(const std::filesystem::path& path, const std::vector<T>& rows) {
  write_file_atomically(path, std::as_bytes(std::span(rows)));
}

template <typename T>
void append(std::vector<T>& rows, const std::vector<T>& row) {
  rows.insert(rows.end(), row.begin(), row.end());
}

}  // namespace

TEST_CASE("an exported ONNX model passes the checker and computes what the library computes") {
  const TemporaryDirectory directory;
  int number = 0;
  for (const ExportedCase& policy : exported_cases()) {
    const auto path = directory / std::to_string(++number);
    std::filesystem::create_directory(path);
    write_policy(path / "p", policy);
    LibraryPolicy library(path / "p");
    write_file_atomically(path / "policy.onnx",
                          run::export_policy(path / "p", {.format = run::ExportFormat::kOnnx}).bytes);
    Random random(13);
    std::vector<float> observations, outputs, actions, memories;
    std::vector<std::uint8_t> masks;
    for (int i = 0; i < kRows; ++i) {
      const auto observation = library.observation(random);
      const auto mask = library.mask(random);
      const auto output = library.outputs(observation);
      append(observations, observation);
      append(masks, mask);
      append(outputs, output);
      append(actions, library.action(output, mask, Acting::kGreedy, random));
      append(memories, library.state);
    }
    write_rows(path / "observation", observations);
    write_rows(path / "mask", masks);
    write_rows(path / "outputs", outputs);
    write_rows(path / "action", actions);
    write_rows(path / "next_memory", memories);
  }
  const std::string command =
      fmt::format("'{}' -B '{}' '{}'", GENKIDAMA_PYTHON, GENKIDAMA_EVALUATE_ONNX, directory.path().string());
  const int status = std::system(command.c_str());
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kSkipped) {
    WARN("python3-onnx is not installed, so no model was looked at");
    return;
  }
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("the same policy gives the same bytes") {
  const TemporaryDirectory directory;
  write_policy(directory / "p", exported_cases().back());
  for (const auto format :
       {run::ExportFormat::kC, run::ExportFormat::kOnnx, run::ExportFormat::kTorchscript}) {
    CHECK(run::export_policy(directory / "p", {.format = format}).bytes ==
          run::export_policy(directory / "p", {.format = format}).bytes);
  }
}
