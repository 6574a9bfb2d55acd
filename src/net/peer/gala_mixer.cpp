// GALA: the mean of the own weights and of all that came.

#include "net/peer/mixer.h"

namespace genkidama {
namespace {

class GalaMixer final : public Mixer {
 public:
  GalaMixer(const MixerOptions& options, std::size_t size) : Mixer(options, size) {}

 private:
  void make_shares(std::vector<OutgoingShare>& out) override {
    for (const auto& [number, neighbour] : neighbours_)
      if (neighbour.receives()) send(number, PeerFrameKind::kShare, 1, out);
  }

  bool waits_for(std::size_t, const MixerNeighbour& neighbour) const override {
    return is_overdue(neighbour);
  }

  MixReport combine(std::span<float> weights) override {
    MixReport report;
    for (auto& [number, neighbour] : neighbours_) {
      if (neighbour.received.empty()) {
        ++neighbour.rounds_without;
        continue;
      }
      // The newest says all that those before it did.
      const Share& share = neighbour.received.back();
      note_distance(neighbour, weights, *share.weights);
      ++report.mixed;
    }
    if (report.mixed == 0) return report;
    const float part = 1.0F / static_cast<float>(1 + report.mixed);
    for (float& weight : weights) weight *= part;
    for (auto& [number, neighbour] : neighbours_) {
      if (neighbour.received.empty()) continue;
      const std::vector<float>& other = *neighbour.received.back().weights;
      for (std::size_t i = 0; i < size_; ++i) weights[i] += part * other[i];
      neighbour.received.clear();
      neighbour.rounds_without = 0;
      ++neighbour.mixed;
    }
    return report;
  }
};

}  // namespace

std::unique_ptr<Mixer> make_gala_mixer(const MixerOptions& options, std::size_t size) {
  return std::make_unique<GalaMixer>(options, size);
}

}  // namespace genkidama
