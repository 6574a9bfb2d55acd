#include "mpi/session.h"

#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <type_traits>

#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"

namespace genkidama::mpi {
namespace {

// A wait costs at most this much of what came; sleeping leaves the cores to those that are waited for.
constexpr std::chrono::microseconds kFirstNap{20};
constexpr std::chrono::microseconds kLongestNap{500};
// The last evaluation of a slow task may take this long.
constexpr std::chrono::hours kLongestEnd{1};

std::string text_of(int code) {
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  if (MPI_Error_string(code, text.data(), &length) != MPI_SUCCESS) return fmt::format("error {}", code);
  return {text.data(), static_cast<std::size_t>(length)};
}

int count_of(std::size_t size) {
  return static_cast<int>(size);
}

}  // namespace

Session::Session() {
  int provided = 0;
  if (const int code = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
      code != MPI_SUCCESS) {
    throw IoError(fmt::format("MPI could not be initialised: {}", text_of(code)));
  }
  // Otherwise MPI would end the process by itself.
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
}

template <typename Start>
Outcome Session::run(const char* what, const Patience& patience, const Start& start) {
  const auto deadline = Clock::now() + patience.timeout;
  const auto check = [&](int code) {
    if (code == MPI_SUCCESS) return;
    is_broken_ = true;
    throw IoError(fmt::format("{} over {} ranks failed: {}", what, size_, text_of(code)));
  };
  MPI_Request request = MPI_REQUEST_NULL;
  check(start(&request));
  auto nap = kFirstNap;
  while (true) {
    int done = 0;
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    if (done != 0) return Outcome::kDone;
    if (patience.give_up && patience.give_up()) {
      is_broken_ = true;
      return Outcome::kGivenUp;
    }
    if (Clock::now() >= deadline) {
      is_broken_ = true;
      throw IoError(fmt::format(
          "rank {} has waited {:g} s for the other {} ranks in vain; one of them is stuck, or its "
          "rounds and evaluations take longer than that",
          rank_, std::chrono::duration<double>(patience.timeout).count(), size_ - 1));
    }
    std::this_thread::sleep_for(nap);
    nap = std::min(2 * nap, kLongestNap);
  }
}

Session::~Session() {
  if (is_broken_) return;
  // MPI_Finalize() itself waits without sleeping, and rank 0 may need the cores for its last evaluation.
  try {
    run("a barrier", {.timeout = kLongestEnd, .give_up = {}},
        [](MPI_Request* request) { return MPI_Ibarrier(MPI_COMM_WORLD, request); });
    MPI_Finalize();
  } catch (const Error& error) {
    log(LogLevel::kWarning, "{}", error.what());
  }
}

template <typename T>
Outcome Session::sum_of(std::span<T> values, const Patience& patience) {
  const MPI_Datatype type = std::is_same_v<T, float> ? MPI_FLOAT : MPI_DOUBLE;
  return run("a sum", patience, [&](MPI_Request* request) {
    return MPI_Iallreduce(MPI_IN_PLACE, values.data(), count_of(values.size()), type, MPI_SUM, MPI_COMM_WORLD,
                          request);
  });
}

Outcome Session::sum(std::span<float> values, const Patience& patience) {
  return sum_of(values, patience);
}

Outcome Session::sum(std::span<double> values, const Patience& patience) {
  return sum_of(values, patience);
}

Outcome Session::gather(std::span<const double> own, std::vector<double>& all, const Patience& patience) {
  all.resize(own.size() * static_cast<std::size_t>(size_));
  return run("gathering", patience, [&](MPI_Request* request) {
    return MPI_Iallgather(own.data(), count_of(own.size()), MPI_DOUBLE, all.data(), count_of(own.size()),
                          MPI_DOUBLE, MPI_COMM_WORLD, request);
  });
}

Outcome Session::broadcast(std::span<float> values, const Patience& patience) {
  return run("a broadcast", patience, [&](MPI_Request* request) {
    return MPI_Ibcast(values.data(), count_of(values.size()), MPI_FLOAT, 0, MPI_COMM_WORLD, request);
  });
}

}  // namespace genkidama::mpi
