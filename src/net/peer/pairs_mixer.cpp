// AD-PSGD: a machine and one neighbour move to the middle between them.
//
// Both ends add half of the same difference, with opposite signs, to what they have by then. So the sum of
// both is kept whatever either has learnt meanwhile, nobody has to hold still while an answer is on its way,
// and no ring of machines that wait for each other can lock.

#include <algorithm>
#include <utility>
#include <vector>

#include "net/peer/mixer.h"

namespace genkidama {
namespace {

class PairsMixer final : public Mixer {
 public:
  PairsMixer(const MixerOptions& options, std::size_t size)
      : Mixer(options, size), value_(size), change_(size), random_(options.seed) {}

 private:
  void started() override {
    value_ = *latest();
    std::fill(change_.begin(), change_.end(), 0.0F);
    is_changed_ = false;
  }
  void prepare(std::span<float> weights) override { apply_change(weights); }

  void make_shares(std::vector<OutgoingShare>& out) override {
    value_ = *latest();
    std::vector<std::size_t> free;
    for (const auto& [number, neighbour] : neighbours_)
      if (neighbour.is_present && !neighbour.is_unanswered) free.push_back(number);
    if (free.empty()) return;
    send(free[random_.below(free.size())], PeerFrameKind::kRequest, 1, out);
  }

  bool waits_for(std::size_t, const MixerNeighbour& neighbour) const override {
    return !options_.overlap && neighbour.is_present && neighbour.is_unanswered;
  }

  std::optional<Share> answer(MixerNeighbour& neighbour, const Share& request) override {
    Share reply;
    reply.kind = PeerFrameKind::kAnswer;
    reply.sequence = request.sequence;
    reply.round = round_;
    reply.neighbours = degree();
    reply.weights = copy_of(value_);
    note_distance(neighbour, value_, *request.weights);
    move_halfway(*reply.weights, *request.weights);
    ++neighbour.mixed;
    ++mixed_;
    return reply;
  }

  void take_answer(MixerNeighbour& neighbour, const Share& answer) override {
    note_distance(neighbour, *neighbour.sent.weights, *answer.weights);
    move_halfway(*neighbour.sent.weights, *answer.weights);
    ++neighbour.mixed;
    ++mixed_;
  }

  MixReport combine(std::span<float> weights) override {
    apply_change(weights);
    MixReport report;
    report.mixed = std::exchange(mixed_, 0);
    return report;
  }

  void move_halfway(const std::vector<float>& own, const std::vector<float>& other) {
    for (std::size_t i = 0; i < size_; ++i) {
      const float half = (other[i] - own[i]) / 2;
      change_[i] += half;
      value_[i] += half;
    }
    is_changed_ = true;
  }

  void apply_change(std::span<float> weights) {
    if (!std::exchange(is_changed_, false)) return;
    for (std::size_t i = 0; i < size_; ++i) weights[i] += change_[i];
    std::fill(change_.begin(), change_.end(), 0.0F);
  }

  std::vector<float> value_;   ///< the weights of begin(), and what others have changed in them since
  std::vector<float> change_;  ///< what others have changed that the trainer does not have yet
  bool is_changed_ = false;
  std::uint64_t mixed_ = 0;
  Random random_;
};

}  // namespace

std::unique_ptr<Mixer> make_pairs_mixer(const MixerOptions& options, std::size_t size) {
  return std::make_unique<PairsMixer>(options, size);
}

}  // namespace genkidama
