#pragma once

// MPI from its initialisation to its end, and the few collective operations that an exchange needs.

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace genkidama::mpi {

/// How a collective operation ended.
enum class Outcome { kDone, kGivenUp };

/// Ends a wait.
struct Patience {
  std::chrono::milliseconds timeout;
  std::function<bool()> give_up;  ///< asked again and again; may be empty
};

/// One in a process, used by one thread. Every rank must call the same functions in the same order, with
/// spans of the same sizes. Each throws IoError when its time is up or MPI reports an error; after that, and
/// after kGivenUp, the session is broken and no further function may be called.
class Session {
 public:
  /// Initialises MPI. Throws IoError when that fails.
  Session();
  /// Waits for the other ranks and finalises MPI, unless the session is broken: then the launcher notices
  /// that the process ends without.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// The other ranks will wait in vain: this one ends without them.
  void abandon() { is_broken_ = true; }

  int rank() const { return rank_; }
  int size() const { return size_; }

  /// Replaces each element by its sum over all ranks.
  Outcome sum(std::span<float> values, const Patience& patience);
  Outcome sum(std::span<double> values, const Patience& patience);
  /// Everybody's `own`, one rank after the other.
  Outcome gather(std::span<const double> own, std::vector<double>& all, const Patience& patience);
  /// Replaces the values by rank 0's.
  Outcome broadcast(std::span<float> values, const Patience& patience);

 private:
  template <typename T>
  Outcome sum_of(std::span<T> values, const Patience& patience);
  template <typename Start>
  Outcome run(const char* what, const Patience& patience, const Start& start);

  int rank_ = 0;
  int size_ = 1;
  bool is_broken_ = false;
};

}  // namespace genkidama::mpi
