// What launchers of MPI programs tell a process before MPI is initialised.
#include "mpi/launcher.h"

#include <map>
#include <string>

#include "genkidama/core/error.h"
#include "genkidama/mpi/mpi_group.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::mpi;

namespace {

using Variables = std::map<std::string, std::string>;

Place place_in(const Variables& variables) {
  return place_of([&variables](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  });
}

}  // namespace

TEST_CASE("a process learns its rank from the launcher's variables") {
  const auto [variables, rank, size] = GENERATE(table<Variables, int, int>({
      {{}, 0, 1},
      {{{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "4"}}, 2, 4},
      {{{"PMI_RANK", "0"}, {"PMI_SIZE", "3"}}, 0, 3},
      {{{"PMIX_RANK", "5"}, {"SLURM_NTASKS", "8"}}, 5, 8},
      {{{"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "2"}}, 1, 2},
      // mpirun within a task of Slurm.
      {{{"SLURM_PROCID", "0"},
        {"SLURM_NTASKS", "1"},
        {"OMPI_COMM_WORLD_RANK", "3"},
        {"OMPI_COMM_WORLD_SIZE", "4"}},
       3,
       4},
      // A variable without its partner says nothing.
      {{{"PMIX_RANK", "5"}}, 0, 1},
  }));
  const Place place = place_in(variables);
  CHECK(place.rank == rank);
  CHECK(place.size == size);
}

TEST_CASE("launcher's variables that make no sense are refused with their names") {
  const auto [variables, expected] = GENERATE(table<Variables, std::string>({
      {{{"OMPI_COMM_WORLD_RANK", "4"}, {"OMPI_COMM_WORLD_SIZE", "4"}}, "expected a rank below the size"},
      {{{"PMI_RANK", "one"}, {"PMI_SIZE", "4"}}, "PMI_RANK is 'one'"},
      {{{"PMI_RANK", "1"}, {"PMI_SIZE", "4x"}}, "PMI_SIZE is '4x'"},
      {{{"SLURM_PROCID", "-1"}, {"SLURM_NTASKS", "4"}}, "SLURM_PROCID is '-1'"},
      {{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "0"}}, "expected a rank below the size"},
      {{{"PMI_RANK", "99999999999999999999"}, {"PMI_SIZE", "4"}}, "PMI_RANK is '99999999999999999999'"},
  }));
  CHECK_THROWS_AS(place_in(variables), ArgumentError);
  CHECK_THROWS_WITH(place_in(variables), Catch::Contains(expected));
}

TEST_CASE("ranks wait for each other for some time at least") {
  CHECK_THROWS_WITH(mpi_group({.timeout = std::chrono::milliseconds{0}}), Catch::Contains("timeout is 0 ms"));
}
