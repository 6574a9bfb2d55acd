// Programs that a launcher of MPI programs starts several times, without an exchange between them.
#include "cli/commands/separate_runs.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

using Variables = std::map<std::string, std::string>;

std::string warning_in(const Variables& variables, const std::vector<std::string>& groups = {}) {
  cli::Program program;
  for (const std::string& name : groups) program.machine_groups[name] = [] { return nullptr; };
  return cli::separate_runs_warning(program, [&variables](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  });
}

/// What a training says that is started with these variables.
std::string errors_of(const std::vector<std::string>& variables, const std::filesystem::path& run) {
  auto words = with({"/usr/bin/env"}, variables);
  words = with(words, call("train", "--updates", "1", "--workers", "1", "--eval-episodes", "0", "--run-dir",
                           run.string()));
  RunningProgram program(words);
  const auto result = program.wait();
  CHECK(result.exit_code == 0);
  return result.errors;
}

}  // namespace

TEST_CASE("the first of several processes says that they make separate runs, and how to make one") {
  const auto variables = GENERATE(Variables{{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "4"}},
                                  Variables{{"PMI_RANK", "0"}, {"PMI_SIZE", "4"}},
                                  Variables{{"PMIX_RANK", "0"}, {"SLURM_NTASKS", "4"}});
  CHECK_THAT(warning_in(variables),
             Contains("4 processes") && Contains("4 separate runs") && Contains("-DGENKIDAMA_MPI=ON"));
  CHECK_THAT(warning_in(variables, {"mpi"}), Contains("use --exchange mpi") && !Contains("MPI=ON"));
  CHECK_THAT(warning_in(variables, {"mine", "mpi"}), Contains("use --exchange mine or --exchange mpi"));
}

TEST_CASE("nothing is said by other ranks, by one process, and of variables that are no launcher's") {
  const auto variables =
      GENERATE(Variables{}, Variables{{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "4"}},
               Variables{{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}},
               Variables{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}},
               Variables{{"PMI_RANK", "0"}, {"PMI_SIZE", "many"}},
               Variables{{"PMI_RANK", ""}, {"PMI_SIZE", "4"}}, Variables{{"PMI_SIZE", "4"}});
  CHECK(warning_in(variables).empty());
}

TEST_CASE("train tells of separate runs in one line, and nobody makes two in one directory") {
  const TemporaryDirectory directory;
  const std::string told = "separate runs";
  const auto first = errors_of({"OMPI_COMM_WORLD_RANK=0", "OMPI_COMM_WORLD_SIZE=3"}, directory / "first");
  const auto at = first.find(told);
  REQUIRE(at != std::string::npos);
  CHECK(first.find(told, at + 1) == std::string::npos);
  CHECK_THAT(first, Contains("3 processes were started together (OMPI_COMM_WORLD_SIZE)"));
  CHECK_THAT(errors_of({"OMPI_COMM_WORLD_RANK=1", "OMPI_COMM_WORLD_SIZE=3"}, directory / "second"),
             !Contains(told));
  CHECK_THAT(errors_of({"--unset=OMPI_COMM_WORLD_SIZE"}, directory / "third"), !Contains(told));
  // All ranks have the same words: all but one of them are refused.
  std::vector<std::unique_ptr<RunningProgram>> ranks;
  for (const char* const rank : {"0", "1", "2"}) {
    ranks.push_back(std::make_unique<RunningProgram>(
        with({"/usr/bin/env", std::string("PMI_RANK=") + rank, "PMI_SIZE=3"},
             call("train", "--updates", "1", "--workers", "1", "--eval-episodes", "0", "--run-dir",
                  (directory / "same").string()))));
  }
  int ended_well = 0;
  for (const auto& rank : ranks) {
    const auto result = rank->wait();
    if (result.exit_code == 0) {
      ++ended_well;
    } else {
      CHECK_THAT(result.errors, Contains("a run is in this directory already"));
    }
  }
  CHECK(ended_well == 1);
}
