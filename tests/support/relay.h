#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "genkidama/core/clock.h"

namespace genkidama::test {

/// Forwards TCP connections to a port of this machine, so that a test can cut or freeze a link as a dead
/// machine would: without a word.
class Relay {
 public:
  explicit Relay(std::uint16_t target);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  std::uint16_t port() const { return port_; }
  /// Closes every connection; new ones go to `target`, or are closed when it is 0.
  void cut(std::uint16_t target);
  /// From now on nothing is forwarded, and nothing closed, until cut().
  void freeze();
  /// From now on nothing is forwarded from the target, but all that goes to it, until cut().
  void mute();
  /// From now on a pause follows whenever so many bytes were forwarded, whichever way.
  void slow_down(std::size_t bytes_per_pause, Milliseconds pause);
  /// On so many of the next links a bit is flipped in what the one who dialled says first after its request
  /// for an upgrade: in the last byte of it.
  void damage(int links);

 private:
  struct Pair {
    int near = -1, far = -1;
    int chunks = 0;  ///< from the near side
    bool damaged = false;
  };

  void run();
  void accept();
  bool forward(int from, int to, bool damaged);
  void close_all();

  std::mutex mutex_;  // of all below
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::uint16_t port_ = 0, target_ = 0;
  int damaged_links_ = 0;
  std::size_t bytes_per_pause_ = 0, since_pause_ = 0;  // 0: no pauses
  Milliseconds pause_{0};
  bool frozen_ = false, muted_ = false, stopped_ = false;
  std::vector<Pair> pairs_;
  std::thread thread_;
};

}  // namespace genkidama::test
