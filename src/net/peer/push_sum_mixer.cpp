// Push-sum: weights travel with the mass that they count.
//
// The weights x here are those that are trained; the sum that push-sum's papers call x is mass * x. What is
// on its way to a neighbour is its mass no more than the sender's, until it is known to be lost: then the
// sender takes it back.

#include <algorithm>
#include <utility>
#include <vector>

#include "genkidama/wire/peer_frames.h"
#include "net/peer/mixer.h"

namespace genkidama {
namespace {

class PushSumMixer final : public Mixer {
 public:
  PushSumMixer(const MixerOptions& options, std::size_t size) : Mixer(options, size) {}

 private:
  void make_shares(std::vector<OutgoingShare>& out) override {
    std::vector<std::size_t> targets;
    is_held_back_ = false;
    for (auto& [number, neighbour] : neighbours_) {
      if (!neighbour.receives()) continue;
      if (neighbour.is_unanswered) {
        is_held_back_ = true;
        ++neighbour.rounds_unanswered;
      } else {
        neighbour.rounds_unanswered = 0;
        targets.push_back(number);
      }
    }
    if (targets.empty()) return;
    mass_ /= static_cast<double>(1 + targets.size());
    for (const std::size_t number : targets) send(number, PeerFrameKind::kShare, mass_, out);
  }

  bool waits_for(std::size_t, const MixerNeighbour& neighbour) const override {
    // A neighbour that got nothing in this round may wait for it, and those that wait for each other's shares
    // would wait until the deadline. That a share was taken is told by a link, which waits for no round: so a
    // machine whose links are slow cannot run away from its neighbours either.
    if (is_held_back_) {
      return neighbour.receives() && neighbour.is_unanswered &&
             neighbour.rounds_unanswered >= options_.max_staleness;
    }
    return is_overdue(neighbour);
  }

  MixReport combine(std::span<float> weights) override {
    MixReport report;
    for (auto& [number, neighbour] : neighbours_) {
      if (neighbour.received.empty()) {
        ++neighbour.rounds_without;
        continue;
      }
      note_distance(neighbour, weights, *neighbour.received.back().weights);
      neighbour.rounds_without = 0;
      ++neighbour.mixed;
      ++report.mixed;
    }
    double mass = mass_;
    for (const auto& [number, neighbour] : neighbours_)
      for (const Share& share : neighbour.received) mass += share.mass;
    for (const Share& share : returned_) mass += share.mass;
    if (mass == mass_) {
      drop_received();
      return report;
    }
    const auto own = static_cast<float>(mass_ / mass);
    for (float& weight : weights) weight *= own;
    for (const auto& [number, neighbour] : neighbours_)
      for (const Share& share : neighbour.received) add(weights, share, mass);
    for (const Share& share : returned_) add(weights, share, mass);
    // There are not so many machines; one that lies about its mass must not make that of others impossible.
    mass_ = std::min(mass, kMostMass);
    drop_received();
    return report;
  }

  /// All of them count, however many come before the next round: as one, at the middle of their masses.
  void keep(MixerNeighbour& neighbour, Share share) override {
    if (neighbour.received.empty()) {
      neighbour.received.push_back(std::move(share));
      return;
    }
    Share& before = neighbour.received.front();
    const double mass = before.mass + share.mass;
    if (mass <= 0) return;
    const auto part = static_cast<float>(share.mass / mass);
    std::vector<float> sum = *before.weights;
    for (std::size_t i = 0; i < size_; ++i) sum[i] += part * ((*share.weights)[i] - sum[i]);
    before.weights = std::make_shared<const std::vector<float>>(std::move(sum));
    before.mass = mass;
    before.round = share.round;
  }

  void take_back(MixerNeighbour& neighbour) override {
    // At most one for each neighbour in a round, as no share goes out before the one before it was settled.
    returned_.push_back(neighbour.sent);
  }

  void add(std::span<float> weights, const Share& share, double mass) const {
    const auto part = static_cast<float>(share.mass / mass);
    const std::vector<float>& other = *share.weights;
    for (std::size_t i = 0; i < size_; ++i) weights[i] += part * other[i];
  }

  void drop_received() {
    for (auto& [number, neighbour] : neighbours_) neighbour.received.clear();
    returned_.clear();
  }

  std::vector<Share> returned_;
  bool is_held_back_ =
      false;  ///< in this round something is not sent, because the share before is unanswered
};

}  // namespace

std::unique_ptr<Mixer> make_push_sum_mixer(const MixerOptions& options, std::size_t size) {
  return std::make_unique<PushSumMixer>(options, size);
}

}  // namespace genkidama
