// Diff-DAC: adapt, then combine with Metropolis weights.

#include <algorithm>
#include <vector>

#include "net/peer/mixer.h"

namespace genkidama {
namespace {

class DiffusionMixer final : public Mixer {
 public:
  DiffusionMixer(const MixerOptions& options, std::size_t size) : Mixer(options, size), adapted_(size) {}

 private:
  void make_shares(std::vector<OutgoingShare>& out) override {
    // Both ends of a link compute with the numbers that stand in the shares of this round, so that what one
    // takes of the other, the other takes of it.
    own_degree_ = degree();
    partners_.clear();
    for (const auto& [number, neighbour] : neighbours_) {
      if (!neighbour.is_present) continue;
      send(number, PeerFrameKind::kShare, 1, out);
      partners_.push_back(number);
    }
  }

  /// The share that belongs to this round: the oldest one that is not older than it.
  const Share* share_of(const MixerNeighbour& neighbour) const {
    const auto found = std::find_if(neighbour.received.begin(), neighbour.received.end(),
                                    [this](const Share& share) { return share.round >= round_; });
    return found == neighbour.received.end() ? nullptr : &*found;
  }

  bool waits_for(std::size_t number, const MixerNeighbour& neighbour) const override {
    return neighbour.is_present && std::find(partners_.begin(), partners_.end(), number) != partners_.end() &&
           share_of(neighbour) == nullptr;
  }

  MixReport combine(std::span<float> weights) override {
    MixReport report;
    std::copy(weights.begin(), weights.end(), adapted_.begin());
    for (const std::size_t number : partners_) {
      MixerNeighbour& neighbour = neighbours_.at(number);
      const Share* const share = share_of(neighbour);
      if (share == nullptr) {
        ++neighbour.rounds_without;
        continue;
      }
      const std::vector<float>& other = *share->weights;
      const auto part = static_cast<float>(metropolis_weight(own_degree_, share->neighbours));
      for (std::size_t i = 0; i < size_; ++i) weights[i] += part * (other[i] - adapted_[i]);
      note_distance(neighbour, adapted_, other);
      while (!neighbour.received.empty() && neighbour.received.front().round <= round_)
        neighbour.received.pop_front();
      neighbour.rounds_without = 0;
      ++neighbour.mixed;
      ++report.mixed;
    }
    partners_.clear();
    return report;
  }

  std::vector<std::size_t> partners_;  ///< whose shares of this round are waited for
  std::uint32_t own_degree_ = 0;
  std::vector<float> adapted_;
};

}  // namespace

std::unique_ptr<Mixer> make_diffusion_mixer(const MixerOptions& options, std::size_t size) {
  return std::make_unique<DiffusionMixer>(options, size);
}

}  // namespace genkidama
