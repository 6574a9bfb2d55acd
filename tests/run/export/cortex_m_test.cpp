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
  for (const auto& [name, policy] : {std::pair("lander", lander), std::pair("with_memory", with_memory)}) {
    write_policy(directory / "p", policy);
    write_file_atomically(directory / fmt::format("{}.h", name),
                          run::export_policy(directory / "p", {.prefix = "robot"}).bytes);
  }
  const std::string command = fmt::format("'{}' -B '{}' '{}' 'lander.h' 'with_memory.h'", GENKIDAMA_PYTHON,
                                          GENKIDAMA_CORTEX_M, directory.path().string());
  const int status = std::system(command.c_str());
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kSkipped) {
    WARN("gcc-arm-none-eabi or qemu-system-arm is not installed, so no board was tried");
    return;
  }
  CHECK(WEXITSTATUS(status) == 0);
}
