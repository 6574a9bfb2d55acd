#include "net/peer/mixer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "genkidama/params/weighted_average.h"

namespace genkidama {
namespace {

// A neighbour may be one round ahead while others are waited for.
constexpr std::size_t kMostReceived = 2;

}  // namespace

std::unique_ptr<Mixer> Mixer::make(const MixerOptions& options, std::size_t size) {
  switch (options.rule) {
    case MixingRule::kGala:
      return make_gala_mixer(options, size);
    case MixingRule::kPairs:
      return make_pairs_mixer(options, size);
    case MixingRule::kPushSum:
      return make_push_sum_mixer(options, size);
    case MixingRule::kDiffusion:
      break;
  }
  return make_diffusion_mixer(options, size);
}

void Mixer::start(std::span<const float> weights) {
  latest_ = copy_of(weights);
  started();
}

void Mixer::joined(std::size_t number, PeerFlow flow, std::uint64_t round) {
  MixerNeighbour& neighbour = neighbours_[number];
  neighbour.flow = flow;
  neighbour.is_present = true;
  neighbour.round = std::max(neighbour.round, round);
  neighbour.rounds_without = 0;
}

void Mixer::left(std::size_t number) {
  const auto found = neighbours_.find(number);
  if (found != neighbours_.end()) found->second.is_present = false;
}

void Mixer::renewed(std::size_t number) {
  const auto found = neighbours_.find(number);
  if (found == neighbours_.end()) return;
  lost(found->second);
  MixerNeighbour fresh;
  fresh.mixed = found->second.mixed;
  found->second = std::move(fresh);
}

std::optional<Share> Mixer::take(std::size_t number, Share share) {
  MixerNeighbour& neighbour = neighbours_[number];
  neighbour.round = std::max(neighbour.round, share.round);
  if (share.kind == PeerFrameKind::kAnswer) {
    if (!neighbour.is_unanswered || share.sequence != neighbour.sequence) return std::nullopt;
    take_answer(neighbour, share);
    neighbour.is_unanswered = false;
    neighbour.sent = {};
    return std::nullopt;
  }
  neighbour.taken_sequence = share.sequence;
  if (share.kind == PeerFrameKind::kRequest) {
    auto reply = answer(neighbour, share);
    if (reply) neighbour.answer = *reply;
    return reply;
  }
  keep(neighbour, std::move(share));
  return std::nullopt;
}

void Mixer::keep(MixerNeighbour& neighbour, Share share) {
  if (neighbour.received.size() >= kMostReceived) neighbour.received.pop_front();
  neighbour.received.push_back(std::move(share));
}

void Mixer::taken(std::size_t number) {
  MixerNeighbour& neighbour = neighbours_[number];
  // A request is not over before its answer.
  if (neighbour.sent.kind == PeerFrameKind::kRequest) return;
  neighbour.is_unanswered = false;
  neighbour.sent = {};
}

void Mixer::lost(MixerNeighbour& neighbour) {
  if (!std::exchange(neighbour.is_unanswered, false)) return;
  take_back(neighbour);
  neighbour.sent = {};
}

std::optional<Share> Mixer::settle(std::size_t number, std::uint64_t sequence) {
  MixerNeighbour& neighbour = neighbours_[number];
  if (sequence < neighbour.sequence) {
    lost(neighbour);
  } else {
    taken(number);
  }
  return neighbour.answer.weights ? std::optional(neighbour.answer) : std::nullopt;
}

std::vector<OutgoingShare> Mixer::begin(std::span<float> weights) {
  // Lamport's clock (1978): nobody is behind one whose weights it has, so whoever waits for those of a round
  // waits for somebody who has not been there, and the last of all never waits.
  ++round_;
  for (const auto& [number, neighbour] : neighbours_)
    if (neighbour.is_present) round_ = std::max(round_, neighbour.round);
  prepare(weights);
  latest_ = copy_of(weights);
  std::vector<OutgoingShare> out;
  make_shares(out);
  return out;
}

bool Mixer::is_waiting() const {
  return std::any_of(neighbours_.begin(), neighbours_.end(),
                     [this](const auto& entry) { return waits_for(entry.first, entry.second); });
}

MixReport Mixer::end(std::span<float> weights) {
  std::uint64_t missing = 0;
  for (const auto& [number, neighbour] : neighbours_)
    if (waits_for(number, neighbour)) ++missing;
  MixReport report = combine(weights);
  report.missing = missing;
  return report;
}

std::uint32_t Mixer::degree() const {
  return static_cast<std::uint32_t>(std::count_if(neighbours_.begin(), neighbours_.end(),
                                                  [](const auto& entry) { return entry.second.is_present; }));
}

void Mixer::send(std::size_t number, PeerFrameKind kind, double mass, std::vector<OutgoingShare>& out) {
  MixerNeighbour& neighbour = neighbours_[number];
  Share share;
  share.kind = kind;
  share.sequence = ++neighbour.sequence;
  share.round = round_;
  share.neighbours = degree();
  share.mass = mass;
  share.weights = latest_;
  neighbour.is_unanswered = true;
  neighbour.sent = share;
  out.push_back({number, std::move(share)});
}

void Mixer::note_distance(MixerNeighbour& neighbour, std::span<const float> own,
                          std::span<const float> other) const {
  double sum = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    const double difference = static_cast<double>(own[i]) - static_cast<double>(other[i]);
    sum += difference * difference;
  }
  const double norm = euclidean_norm(own);
  neighbour.distance = norm > 0 ? std::sqrt(sum) / norm : 0;
}

}  // namespace genkidama
