#pragma once

/// @file
/// The peer: it trains on its machine and averages its weights with its neighbours'. There is no Parent.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/net/limits.h"
#include "genkidama/net/security.h"
#include "genkidama/params/codec_kind.h"
#include "genkidama/params/local_trainer.h"
#include "genkidama/params/mixing.h"
#include "genkidama/params/played.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What a peer does with weights on a link.
enum class PeerFlow {
  kBoth,      ///< it sends and receives
  kSends,     ///< it only sends
  kReceives,  ///< it only receives
};

/// A neighbour that a peer dials.
struct PeerNeighbour {
  Endpoint endpoint;                ///< where it listens
  PeerFlow flow = PeerFlow::kBoth;  ///< what this peer does on the link; the other end does its counterpart
};

/// How a peer takes part.
struct PeerOptions {
  std::optional<Endpoint> listen;            ///< where neighbours that dial are accepted
  std::vector<PeerNeighbour> neighbours;     ///< whom to dial; with `listen` it may be empty. At most 1,024
  MixingRule rule = MixingRule::kDiffusion;  ///< how weights are averaged; all peers must have the same
  /// kGala and kPushSum: after so many rounds without anything from a neighbour that is there, the peer waits
  /// for it; at least 1.
  std::uint64_t max_staleness = 10;
  /// kPairs: trains on while an exchange is on its way. What comes of it is averaged in at the end of the
  /// next round.
  bool overlap = false;
  /// How weights travel, both ways. A neighbour with another codec is answered in float32.
  CodecKind codec = CodecKind::kFloat32;
  /// What neighbours call this peer, 1 to 64 printable ASCII characters. No two neighbours of a peer may have
  /// the same name.
  std::string name = "peer";
  /// Rounds that this peer's weights have behind them, from PeerProgress::round_number of an earlier process;
  /// 0: a new peer. A neighbour that has trained longer replaces the weights when run() begins.
  std::uint64_t round_number = 0;
  std::uint64_t seed = 1;  ///< from which, and the name, kPairs draws partners
  /// Deadlines and limits of the links.
  LinkLimits limits;
  /// Token and certificates of the links.
  LinkSecurity security;
  /// run() waits for so many neighbours before it trains, so that machines which are started together begin
  /// together; 0: for none. One that was there and has gone again counts.
  std::size_t first_neighbours = 1;
  /// When it is not empty, run() calls it before it waits, and its answer takes the place of
  /// `first_neighbours`. It may block until whoever starts several machines has started all of them; links
  /// are made meanwhile.
  std::function<std::size_t()> await_start;
  /// For how long it waits for them. Then it trains with those that are there, or alone.
  Milliseconds join_timeout{60'000};
  /// How long a round waits at most for neighbours that are there.
  Milliseconds exchange_timeout{30'000};
  /// Weights of a neighbour whose norm is above this many times that of this peer's, or above this number
  /// where that is below 1, are refused. 0: any finite weights are taken.
  double max_norm_growth = 1000;
  /// How long a neighbour whose weights were refused must stay away; it doubles up to an hour. 0: not at all.
  Milliseconds quarantine{30'000};
  Milliseconds backoff_min{100};     ///< the first pause before dialling again; it doubles, with jitter
  Milliseconds backoff_max{10'000};  ///< the longest pause
};

/// A neighbour, as of now. It stays listed when its link is lost.
struct PeerNeighbourStatus {
  std::string name;                  ///< what it calls itself
  std::string address;               ///< where it was last seen
  bool connected = false;            ///< whether a link to it is joined
  PeerFlow flow = PeerFlow::kBoth;   ///< what this peer does on the link
  std::uint64_t round = 0;           ///< of its weights that came last
  std::uint64_t mixed = 0;           ///< how often weights of it were averaged in
  std::uint64_t rounds_without = 0;  ///< own rounds since then
  double distance =
      0;  ///< ||own - its|| / ||own|| when both were compared last (GALA's epsilon, of two machines)
};

/// What a peer has done so far, as of the end of a round.
struct PeerProgress {
  RoundReport round;                 ///< the latest round
  std::uint64_t rounds = 0;          ///< rounds trained by this object
  std::uint64_t round_number = 0;    ///< of the weights; see PeerOptions::round_number
  Played in_process;                 ///< all rounds of this Peer object
  std::uint64_t exchanges = 0;       ///< weights of neighbours that were averaged in
  std::uint64_t mixed = 0;           ///< of these, in the latest round
  std::uint64_t missing = 0;         ///< neighbours for which rounds have waited in vain
  std::uint64_t reconnects = 0;      ///< links made anew after one was lost
  std::size_t connected = 0;         ///< neighbours that are there
  double distance_mean = 0;          ///< over the neighbours that are there and were compared
  double distance_max = 0;           ///< as above
  double mass = 1;                   ///< of kPushSum
  double waited_seconds = 0;         ///< how long training has waited for neighbours
  std::uint64_t bytes_sent = 0;      ///< frames of weights, with their headers
  std::uint64_t bytes_received = 0;  ///< as above
};

/// Runs the exchange with neighbours for one LocalTrainer. The sockets live on a thread of their own, which
/// run() starts; the trainer is used only by the thread that calls run(). A trainer that forks must have
/// forked before run().
///
/// Two peers have at most one link, whoever dials: each may list the other. A peer that comes late, or comes
/// back as a new process, takes the weights of the first neighbour that it finds further on. One whose link
/// was lost keeps its own weights, and is averaged with again when the link is back. Nobody waits for a
/// neighbour that is away.
class Peer {
 public:
  /// Throws ArgumentError for options out of range, for a rule that needs both directions together with a
  /// neighbour of another flow, without `listen` and neighbours, and for an endpoint to listen at that other
  /// machines reach when there is no token. `trainer` must outlive the Peer.
  Peer(PeerOptions options, LocalTrainer& trainer);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// Binds options.listen now, so that its port is known before run(). Throws IoError when it is in use.
  /// run() calls it if nobody else did. Never fork after this.
  void start();
  /// The bound port of a Peer that listens, else 0.
  std::uint16_t port() const;

  /// Waits for PeerOptions::first_neighbours, then trains round after round until `keep_going` returns false
  /// or request_stop() was called. When nobody is there within join_timeout, it trains alone until somebody
  /// comes. Returns why it ended. To be called once; when it returns or throws, the neighbours were told and
  /// the socket thread has ended. Throws LayoutError or IoError when neighbours that this peer dials
  /// have refused it for what does not change, three times in a row, before its first round and before
  /// anybody was joined; later a refusal is only logged. Throws whatever the trainer throws.
  std::string run(const std::function<bool(const PeerProgress&)>& keep_going = {});

  /// What `keep_going` was told last. For the thread that calls run().
  const PeerProgress& progress() const;
  /// All neighbours that were ever joined, in the order of their first links. Any thread.
  std::vector<PeerNeighbourStatus> neighbours() const;

  /// Makes run() return after the current round. May be called from any thread, but not from a signal
  /// handler.
  void request_stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The name of a flow: "both", "sends", "receives".
const char* flow_name(PeerFlow flow);
/// The flow of that name; nothing when there is none.
std::optional<PeerFlow> flow_of(std::string_view name);

}  // namespace genkidama
