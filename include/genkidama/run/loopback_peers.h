#pragma once

/// @file
/// Several peers as processes of this machine, which talk over the loopback device.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"
#include "genkidama/net/peer.h"
#include "genkidama/params/topology.h"
#include "genkidama/run/run_observer.h"
#include "genkidama/run/run_options.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// What is handed to one of the peers.
struct LoopbackPeer {
  std::size_t number = 0;                 ///< of the graph's machine, from 0
  std::string name;                       ///< "peer_1", "peer_2", ...
  std::filesystem::path directory;        ///< of its run: peers/peer_1, ...
  bool resume = false;                    ///< the run that is in the directory goes on
  std::vector<PeerNeighbour> neighbours;  ///< those that were started before it
  std::size_t degree = 0;  ///< neighbours that it may have in all, for PeerOptions::first_neighbours
  std::string token;       ///< of this start
  int ready_fd = -1;       ///< for its PeerStart
};

/// How one of the peers tells its port, and hears that all of them listen, so that they begin together.
///
///     genkidama::run::PeerStart start(ready_fd, [] { return genkidama::run::stop_signal() != 0; });
///     peer_options.await_start = [&] { return start.await(peer_options.first_neighbours); };
///     PeerRun(trainer, run_options, peer_options, &start).run();
class PeerStart : public RunObserver {
 public:
  /// `ready_fd`: LoopbackPeer::ready_fd, or -1 for a peer that nobody has started. `give_up`: ends await();
  /// it is asked some times a second.
  PeerStart(int ready_fd, std::function<bool()> give_up);
  ~PeerStart() override;
  PeerStart(const PeerStart&) = delete;
  PeerStart& operator=(const PeerStart&) = delete;

  /// Tells the port. Throws IoError when the process that has started this one is gone.
  void on_listening(std::span<const std::uint16_t> ports) override;
  /// Blocks until all peers were started, or their starter is gone. How many neighbours listen; `otherwise`
  /// where that is not known. For PeerOptions::await_start.
  std::size_t await(std::size_t otherwise);

 private:
  int descriptor_;
  const std::function<bool()> give_up_;
};

/// How the peers are started, watched and ended.
struct LoopbackPeersOptions {
  std::filesystem::path directory;  ///< of the whole
  Resume resume = Resume::kNever;   ///< what happens to peers that are in the directory already
  Topology topology = Topology::make(TopologyKind::kRing, 2);  ///< who is whose neighbour
  std::string config;  ///< the text of config.json in the directory, a JSON object
  /// The command line, without the program's name, with which this program is executed again as the peer.
  std::function<std::vector<std::string>(const LoopbackPeer&)> words;
  /// Asked some times a second. True ends all peers by SIGTERM. Empty: never.
  std::function<bool()> stop;
  Milliseconds lock_patience{10'000};   ///< as LoopbackClusterOptions::lock_patience
  Milliseconds start_timeout{120'000};  ///< until each listens, > 0
  Milliseconds end_timeout{20'000};     ///< from SIGTERM to SIGKILL, >= 0
  std::function<std::string(std::string_view field)> option_name;  ///< as RunOptions::option_name
};

/// What the peers came to. How the training of each went is in summary.json of its directory.
struct LoopbackPeersSummary {
  bool stopped = false;         ///< LoopbackPeersOptions::stop has ended them
  std::string error;            ///< which peers have failed; empty when all ended well, or were stopped
  std::vector<int> exit_codes;  ///< of each, or 128 + N when signal N ended it
};

/// Trains with peers that are processes of this machine. They begin to train when all of them listen. Each
/// ends by its own limits; one that dies is told in the log, and the others go on, but the cluster has failed
/// then: there is nobody whose result counts for all, as a Parent's does. When a cluster goes on, a peer
/// whose run is over already is nobody's neighbour. summary.json in the directory tells the final evaluation
/// of each, their mean and the worst.
///
/// **Threads and processes.** As LoopbackCluster with member_words.
class LoopbackPeers {
 public:
  /// Throws ArgumentError for options that are not possible, a graph that is not connected among them.
  explicit LoopbackPeers(LoopbackPeersOptions options);

  /// Starts the peers one after the other, waits until all have ended. To be called once. Throws
  /// ArgumentError when the directory holds what `resume` refuses or another run is at work in it, and
  /// IoError when a peer cannot be started or does not listen in time; no peer is left then.
  LoopbackPeersSummary run();

 private:
  LoopbackPeersOptions options_;
  bool ran_ = false;
};

}  // namespace run
}  // namespace genkidama
