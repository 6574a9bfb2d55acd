#include "mpi/launcher.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

#include "genkidama/core/error.h"

namespace genkidama::mpi {
namespace {

struct Names {
  const char* rank;
  const char* size;
};

// In the order in which they are believed: Slurm's are also there where mpirun starts ranks within a task.
constexpr std::array<Names, 4> kLaunchers{{{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                                           {"PMI_RANK", "PMI_SIZE"},
                                           {"PMIX_RANK", "SLURM_NTASKS"},
                                           {"SLURM_PROCID", "SLURM_NTASKS"}}};

int number(const char* name, const std::string& text) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec == std::errc() && read.ptr == end && value >= 0) return value;
  throw ArgumentError(
      fmt::format("the environment variable {} is '{}'; expected a whole number, as the launcher of an MPI "
                  "program sets it",
                  name, text));
}

}  // namespace

Place place_of(const std::function<std::string(const char*)>& variable) {
  for (const auto& [rank_name, size_name] : kLaunchers) {
    const std::string rank = variable(rank_name), size = variable(size_name);
    if (rank.empty() || size.empty()) continue;
    const Place place{number(rank_name, rank), number(size_name, size)};
    if (place.rank < place.size) return place;
    throw ArgumentError(
        fmt::format("the environment variables {} and {} are {} and {}; expected a rank below the size",
                    rank_name, size_name, rank, size));
  }
  return {};
}

}  // namespace genkidama::mpi
