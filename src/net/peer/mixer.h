#pragma once

// One machine's side of averaging with its neighbours, without sockets, threads and clocks: Peer and the
// simulator both run it.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/net/peer.h"
#include "genkidama/params/mixing.h"
#include "genkidama/wire/peer_frames.h"

namespace genkidama {

using SharedWeights = std::shared_ptr<const std::vector<float>>;

/// Weights on their way between two machines.
struct Share {
  PeerFrameKind kind = PeerFrameKind::kShare;
  std::uint64_t sequence =
      0;  ///< of the sender's shares to this neighbour, or of the request that is answered
  std::uint64_t round = 0;
  std::uint32_t neighbours = 0;
  double mass = 1;
  SharedWeights weights;
};

struct OutgoingShare {
  std::size_t neighbour = 0;
  Share share;
};

/// What a round of averaging came to.
struct MixReport {
  std::uint64_t mixed = 0;    ///< neighbours whose weights were averaged in
  std::uint64_t missing = 0;  ///< neighbours that were waited for in vain
};

struct MixerOptions {
  MixingRule rule = MixingRule::kDiffusion;
  std::uint64_t max_staleness = 10;
  bool overlap = false;
  std::uint64_t seed = 1;
};

/// A neighbour, as the rules see it. It stays known when its link is lost.
struct MixerNeighbour {
  PeerFlow flow = PeerFlow::kBoth;
  bool is_present = false;
  std::uint64_t round = 0;              ///< of what came from it last
  std::uint64_t sequence = 0;           ///< of the last share or request to it
  std::uint64_t taken_sequence = 0;     ///< of the last one from it
  bool is_unanswered = false;           ///< the last one to it
  std::uint64_t rounds_unanswered = 0;  ///< rounds in which nothing went to it, because the last one was so
  Share sent{};                         ///< while it is unanswered and the rule may need it
  std::deque<Share> received{};         ///< not averaged in yet; at most two
  Share answer{};                       ///< to its last request, in case the answer was lost
  std::uint64_t rounds_without = 0;     ///< rounds since a share of it was averaged in
  std::uint64_t mixed = 0;              ///< shares of it that were averaged in
  double distance = 0;  ///< of its weights to the own ones over the norm of these, when last compared

  bool receives() const { return is_present && flow != PeerFlow::kReceives; }
  bool sends() const { return is_present && flow != PeerFlow::kSends; }
};

/// After each round of training comes begin(), then whatever comes while is_waiting() says that it must be
/// waited for, then end(). What comes may come at any other time too. Whoever owns it calls one function at a
/// time.
class Mixer {
 public:
  /// For `size` weights. Machines of a graph draw from different seeds.
  static std::unique_ptr<Mixer> make(const MixerOptions& options, std::size_t size);
  virtual ~Mixer() = default;
  Mixer(const Mixer&) = delete;
  Mixer& operator=(const Mixer&) = delete;

  /// The weights with which training begins.
  void start(std::span<const float> weights);

  /// A link to a neighbour of this number is there. `flow`: what this machine does on it.
  void joined(std::size_t number, PeerFlow flow, std::uint64_t round);
  /// The link is gone. What became of the last share is told later.
  void left(std::size_t number);
  /// Another process of the neighbour has come: it knows nothing of what was sent to the one before.
  void renewed(std::size_t number);

  /// A share, a request or an answer came. The answer to a request.
  std::optional<Share> take(std::size_t number, Share share);
  /// The neighbour has the last share.
  void taken(std::size_t number);
  /// On a new link: `sequence` is that of the last share which the neighbour has taken. What is to be sent
  /// again: the answer to its last request, which it may not have got.
  std::optional<Share> settle(std::size_t number, std::uint64_t sequence);
  /// A neighbour that is not there is known no more.
  void forget(std::size_t number) { neighbours_.erase(number); }

  /// A round of training has made these weights. What is to be sent.
  std::vector<OutgoingShare> begin(std::span<float> weights);
  /// Whether a neighbour's weights must be waited for before end().
  bool is_waiting() const;
  /// Averages into `weights`, which are those of begin().
  MixReport end(std::span<float> weights);

  /// The weights of the last begin(), or of start(), which nobody changes.
  const SharedWeights& latest() const { return latest_; }
  std::uint64_t round() const { return round_; }
  /// The weights of another machine with so many rounds were taken over.
  void adopt_round(std::uint64_t round) { round_ = round; }
  /// Of push-sum: what this machine's weights count. 1 otherwise.
  double mass() const { return mass_; }
  /// With how many this machine averages now.
  std::uint32_t degree() const;
  const std::map<std::size_t, MixerNeighbour>& neighbours() const { return neighbours_; }

 protected:
  Mixer(const MixerOptions& options, std::size_t size) : options_(options), size_(size) {}

  /// Adds to `weights` what has to be in them before they are sent.
  virtual void prepare(std::span<float> weights) { static_cast<void>(weights); }
  /// Sends latest().
  virtual void make_shares(std::vector<OutgoingShare>& out) = 0;
  virtual bool waits_for(std::size_t number, const MixerNeighbour& neighbour) const = 0;
  virtual MixReport combine(std::span<float> weights) = 0;
  /// Of a rule that waits for nobody: whether nothing came from a neighbour that is there for too many
  /// rounds.
  bool is_overdue(const MixerNeighbour& neighbour) const {
    return neighbour.sends() && neighbour.received.empty() &&
           neighbour.rounds_without >= options_.max_staleness;
  }
  /// Keeps a share until combine(). Of several, as here, the newest two: what they say has what older ones
  /// said.
  virtual void keep(MixerNeighbour& neighbour, Share share);
  /// The answer to a request.
  virtual std::optional<Share> answer(MixerNeighbour&, const Share&) { return std::nullopt; }
  /// An answer to the last request came.
  virtual void take_answer(MixerNeighbour&, const Share&) {}
  /// The last share counts nothing at the neighbour.
  virtual void take_back(MixerNeighbour&) {}

  /// The weights that training begins with were replaced.
  virtual void started() {}
  /// The neighbour never got the last share, or nobody will know whether it did.
  void lost(MixerNeighbour& neighbour);
  /// Sends latest() to a neighbour.
  void send(std::size_t number, PeerFrameKind kind, double mass, std::vector<OutgoingShare>& out);
  /// Notes how far the weights are apart.
  void note_distance(MixerNeighbour& neighbour, std::span<const float> own,
                     std::span<const float> other) const;
  SharedWeights copy_of(std::span<const float> weights) const {
    return std::make_shared<const std::vector<float>>(weights.begin(), weights.end());
  }

  const MixerOptions options_;
  const std::size_t size_;
  std::map<std::size_t, MixerNeighbour> neighbours_;
  SharedWeights latest_;
  std::uint64_t round_ = 0;
  double mass_ = 1;
};

/// One filling for each rule.
std::unique_ptr<Mixer> make_gala_mixer(const MixerOptions& options, std::size_t size);
std::unique_ptr<Mixer> make_diffusion_mixer(const MixerOptions& options, std::size_t size);
std::unique_ptr<Mixer> make_pairs_mixer(const MixerOptions& options, std::size_t size);
std::unique_ptr<Mixer> make_push_sum_mixer(const MixerOptions& options, std::size_t size);

}  // namespace genkidama
