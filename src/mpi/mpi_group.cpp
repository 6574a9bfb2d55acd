#include "genkidama/mpi/mpi_group.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "genkidama/core/error.h"
#include "mpi/all_reduce_exchange.h"
#include "mpi/launcher.h"
#include "mpi/session.h"

namespace genkidama::mpi {
namespace {

class MpiGroup final : public MachineGroup {
 public:
  explicit MpiGroup(const MpiOptions& options)
      : options_(options), place_(place_of([](const char* name) {
          const char* const value = std::getenv(name);
          return value ? std::string(value) : std::string();
        })) {
    if (options.timeout <= std::chrono::milliseconds{0}) {
      throw ArgumentError(
          fmt::format("MpiOptions::timeout is {} ms; expected more than 0", options.timeout.count()));
    }
  }

  int number() const override { return place_.rank; }
  int size() const override { return place_.size; }
  bool average_moments() override {
    options_.average_moments = true;
    return true;
  }

  std::unique_ptr<Exchange> join(std::function<bool()> give_up) override {
    session_ = std::make_unique<Session>();
    if (session_->rank() != place_.rank || session_->size() != place_.size) {
      throw ArgumentError(
          fmt::format("the launcher's variables say rank {} of {}, and MPI says rank {} of {}; start the "
                      "program with the "
                      "mpirun (or srun --mpi=...) of the MPI library that it is linked with",
                      place_.rank, place_.size, session_->rank(), session_->size()));
    }
    return std::make_unique<AllReduceExchange>(*session_, options_, std::move(give_up));
  }

 private:
  MpiOptions options_;
  Place place_;
  std::unique_ptr<Session> session_;
};

}  // namespace

std::unique_ptr<MachineGroup> mpi_group(const MpiOptions& options) {
  return std::make_unique<MpiGroup>(options);
}

}  // namespace genkidama::mpi
