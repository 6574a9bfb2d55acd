// The policy of LunarLander on a board: compiled for a Cortex-M4, weighed, and run in an emulator.
#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>

#include "exported_policies.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/run/export.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;

TEST_CASE("an exported header fits a small board and computes the same there") {
  constexpr int kSkipped = 77;
  const TemporaryDirectory directory;
  // The sizes of LunarLander with the default network, and the same with memory.
  ExportedCase lander = exported_cases().front(), with_memory = lander;
  with_memory.network.memory = 32;
  std::string headers;
  const auto add_header = [&](const std::string& name, const ExportedCase& policy, run::WeightForm form) {
    write_policy(directory / "p", policy);
    write_file_atomically(directory / name,
                          run::export_policy(directory / "p", {.prefix = "robot", .weights = form}).bytes);
    headers += " " + name;
  };
  add_header("lander.h", lander, run::WeightForm::kFloat32);
  add_header("lander_f16.h", lander, run::WeightForm::kFloat16);
  add_header("lander_int8.h", lander, run::WeightForm::kInt8);
  add_header("with_memory.h", with_memory, run::WeightForm::kFloat32);
  const std::string command = fmt::format("'{}' -B '{}' '{}'{}", GENKIDAMA_PYTHON, GENKIDAMA_CORTEX_M,
                                          directory.path().string(), headers);
  const int status = std::system(command.c_str());
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kSkipped) {
    WARN("gcc-arm-none-eabi or qemu-system-arm is not installed, so no board was tried");
    return;
  }
  CHECK(WEXITSTATUS(status) == 0);
}
