#pragma once

// Where a peer's io thread and its training thread meet.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/net/peer.h"
#include "genkidama/params/running_statistics.h"
#include "genkidama/wire/message.h"
#include "net/peer/mixer.h"

namespace genkidama {

/// A monitor around the Mixer, and what is known of each neighbour. The io thread never waits in it.
class PeerBoard {
 public:
  static constexpr std::size_t kMostNeighbours = 1'024;
  /// A neighbour that says it has so many more rounds behind it than this peer has lied or is broken: at ten
  /// thousand rounds a second they take more than three years. Without a bound one frame could move Lamport's
  /// clock to the end of what a hello can say.
  static constexpr std::uint64_t kMostRoundsAhead = std::uint64_t{1} << 40;

  /// `components`: of the statistics that are shared.
  PeerBoard(std::unique_ptr<Mixer> mixer, std::size_t components, std::uint64_t round_number);

  // From the io thread. Neighbours are told apart by number.

  /// The number of the neighbour of this hello, whom nobody joined under this name with another one; nothing
  /// when there is no room for one more. What another process of it knew is forgotten.
  std::optional<std::size_t> meet(const HelloMessage& hello);
  /// What a first frame to a neighbour says: this peer's weights, and the last share that was taken.
  Share first_share(std::size_t number) const;
  /// The neighbour's first frame came: a link is there. What has to be sent again on it.
  std::optional<Share> joined(std::size_t number, PeerFlow flow, const std::string& address,
                              const Share& first, std::uint64_t first_weights);
  void left(std::size_t number);
  /// A share, request or answer came. The answer to a request.
  std::optional<Share> take(std::size_t number, Share share, const RunningStatistics& statistics);
  void taken(std::size_t number);
  /// Kept for the error when nobody is ever joined.
  void failed(const std::string& reason);
  /// A neighbour at this address refuses this peer for what does not change. Whether the run fails by that:
  /// only one that waits for its first neighbour does, which is most likely misconfigured itself.
  bool refused(const std::string& address, const RefuseMessage& refusal);
  void frame_sent(std::size_t bytes);
  void frame_received(std::size_t bytes);

  // From any thread.

  void request_stop();
  bool stop_requested() const;
  std::vector<PeerNeighbourStatus> neighbours() const;
  std::uint64_t round() const;
  /// Weights of a later round are not taken from a neighbour.
  std::uint64_t most_round() const;
  std::uint32_t degree() const;
  /// How many neighbours were joined since this peer began, those that have gone again among them.
  std::size_t met() const;
  /// The norm of the latest weights.
  double norm() const;

  // From the training thread.

  void start(std::span<const float> weights);
  /// A neighbour whose weights this one, which begins, should take.
  struct Candidate {
    std::string name;
    std::uint64_t round = 0;
    std::uint64_t first_weights = 0;
    SharedWeights weights;
  };
  /// Until so many were joined; false after the deadline, or when a stop is requested. Throws what refused()
  /// told.
  bool wait_joined(std::size_t count, const Deadline& deadline);
  /// Nobody is waited for any more before training begins.
  void end_joining();
  /// The joined neighbour that is furthest on, and by its name the first of those.
  std::optional<Candidate> furthest() const;
  /// The weights were replaced by those of a candidate.
  void adopt(const Candidate& candidate);

  /// `norm`: of the weights, which are finite.
  std::vector<OutgoingShare> begin(std::span<float> weights, double norm);
  /// Until nobody has to be waited for, at most until the deadline; after a stop only for `stop_grace`. The
  /// seconds.
  double wait(const Deadline& deadline, Milliseconds stop_grace);
  MixReport end(std::span<float> weights);
  /// What neighbours have counted, as they told it last.
  RunningStatistics statistics() const;
  std::string last_failure() const;
  /// Into the fields of a PeerProgress that are known here.
  void tell(PeerProgress& progress) const;

 private:
  struct Known {
    std::string name, address;
    std::uint64_t instance = 0;
    std::uint64_t stream = 0;
    std::uint64_t links = 0;
    Candidate first{};  ///< until training begins
  };

  /// With the mutex held.
  std::size_t count_met() const;
  void throw_refusal() const;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  const std::unique_ptr<Mixer> mixer_;
  std::map<std::size_t, Known> known_;
  std::size_t next_number_ = 0;
  StreamStatistics statistics_;
  std::uint64_t bytes_sent_ = 0, bytes_received_ = 0, reconnects_ = 0;
  double norm_ = 0;
  bool has_begun_ = false;
  bool is_joining_ = true;
  std::optional<RefuseMessage> refused_;
  std::string refused_by_;
  std::string last_failure_ = "nobody answered";
  bool stop_ = false;
};

}  // namespace genkidama
