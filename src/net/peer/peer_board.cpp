#include "net/peer/peer_board.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/params/weighted_average.h"
#include "genkidama/wire/protocol.h"

namespace genkidama {

PeerBoard::PeerBoard(std::unique_ptr<Mixer> mixer, std::size_t components, std::uint64_t round_number)
    : mixer_(std::move(mixer)), statistics_(components) {
  mixer_->adopt_round(round_number);
}

std::optional<std::size_t> PeerBoard::meet(const HelloMessage& hello) {
  const std::lock_guard lock(mutex_);
  auto found = std::find_if(known_.begin(), known_.end(),
                            [&](const auto& entry) { return entry.second.name == hello.name; });
  if (found == known_.end()) {
    if (known_.size() >= kMostNeighbours) {
      const auto absent = std::find_if(known_.begin(), known_.end(), [this](const auto& entry) {
        const auto& all = mixer_->neighbours();
        const auto it = all.find(entry.first);
        return it == all.end() || !it->second.is_present;
      });
      if (absent == known_.end()) return std::nullopt;
      mixer_->forget(absent->first);
      known_.erase(absent);
    }
    Known known;
    known.name = hello.name;
    found = known_.emplace(next_number_++, std::move(known)).first;
  }
  Known& known = found->second;
  if (known.instance != hello.peer->instance) {
    mixer_->renewed(found->first);
    known.instance = hello.peer->instance;
  }
  known.stream = hello.stream;
  return found->first;
}

Share PeerBoard::first_share(std::size_t number) const {
  const std::lock_guard lock(mutex_);
  Share share;
  share.kind = PeerFrameKind::kFirst;
  const auto found = mixer_->neighbours().find(number);
  if (found != mixer_->neighbours().end()) share.sequence = found->second.taken_sequence;
  share.round = mixer_->round();
  share.neighbours = mixer_->degree();
  share.mass = 1;
  share.weights = mixer_->latest();
  return share;
}

std::optional<Share> PeerBoard::joined(std::size_t number, PeerFlow flow, const std::string& address,
                                       const Share& first, std::uint64_t first_weights) {
  std::optional<Share> again;
  {
    const std::lock_guard lock(mutex_);
    Known& known = known_.at(number);
    known.address = address;
    if (++known.links > 1) ++reconnects_;
    // Somebody takes this peer, so it is the others who are misconfigured.
    refused_.reset();
    if (!has_begun_) known.first = {known.name, first.round, first_weights, first.weights};
    again = mixer_->settle(number, first.sequence);
    mixer_->joined(number, flow, first.round);
  }
  changed_.notify_all();
  return again;
}

void PeerBoard::left(std::size_t number) {
  {
    const std::lock_guard lock(mutex_);
    mixer_->left(number);
  }
  changed_.notify_all();
}

std::optional<Share> PeerBoard::take(std::size_t number, Share share, const RunningStatistics& statistics) {
  std::optional<Share> reply;
  {
    const std::lock_guard lock(mutex_);
    if (statistics_.components() > 0) statistics_.set(known_.at(number).stream, statistics);
    reply = mixer_->take(number, std::move(share));
  }
  changed_.notify_all();
  return reply;
}

void PeerBoard::taken(std::size_t number) {
  {
    const std::lock_guard lock(mutex_);
    mixer_->taken(number);
  }
  changed_.notify_all();
}

void PeerBoard::failed(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  last_failure_ = reason;
}

bool PeerBoard::refused(const std::string& address, const RefuseMessage& refusal) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_joining_ || count_met() > 0) return false;
    refused_ = refusal;
    refused_by_ = address;
  }
  changed_.notify_all();
  return true;
}

void PeerBoard::frame_sent(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  bytes_sent_ += bytes;
}

void PeerBoard::frame_received(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  bytes_received_ += bytes;
}

void PeerBoard::request_stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
}

bool PeerBoard::stop_requested() const {
  const std::lock_guard lock(mutex_);
  return stop_;
}

std::vector<PeerNeighbourStatus> PeerBoard::neighbours() const {
  const std::lock_guard lock(mutex_);
  std::vector<PeerNeighbourStatus> list;
  for (const auto& [number, known] : known_) {
    const auto found = mixer_->neighbours().find(number);
    if (found == mixer_->neighbours().end()) continue;
    const MixerNeighbour& neighbour = found->second;
    list.push_back({known.name, known.address, neighbour.is_present, neighbour.flow, neighbour.round,
                    neighbour.mixed, neighbour.rounds_without, neighbour.distance});
  }
  return list;
}

std::uint64_t PeerBoard::round() const {
  const std::lock_guard lock(mutex_);
  return mixer_->round();
}

std::uint64_t PeerBoard::most_round() const {
  return std::min(round() + kMostRoundsAhead, kMaxJsonInteger);
}

std::size_t PeerBoard::count_met() const {
  return static_cast<std::size_t>(
      std::count_if(known_.begin(), known_.end(), [](const auto& entry) { return entry.second.links > 0; }));
}

std::size_t PeerBoard::met() const {
  const std::lock_guard lock(mutex_);
  return count_met();
}

std::uint32_t PeerBoard::degree() const {
  const std::lock_guard lock(mutex_);
  return mixer_->degree();
}

double PeerBoard::norm() const {
  const std::lock_guard lock(mutex_);
  return norm_;
}

void PeerBoard::start(std::span<const float> weights) {
  const double norm = euclidean_norm(weights);
  const std::lock_guard lock(mutex_);
  mixer_->start(weights);
  norm_ = norm;
}

void PeerBoard::throw_refusal() const {
  if (!refused_) return;
  const std::string text = fmt::format("the neighbour at {} refused this peer ({}): {}", refused_by_,
                                       refusal_code_text(refused_->code), refused_->reason);
  if (refused_->code == RefusalCode::kLayout) throw LayoutError(text);
  throw IoError(text);
}

bool PeerBoard::wait_joined(std::size_t count, const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  // Also those that have gone again: one that had its own neighbours sooner may have ended its run meanwhile.
  const auto are_there = [&] { return count_met() >= count; };
  changed_.wait_until(lock, deadline.at(), [&] { return are_there() || stop_ || refused_; });
  throw_refusal();
  return are_there() && !stop_;
}

void PeerBoard::end_joining() {
  const std::lock_guard lock(mutex_);
  is_joining_ = false;
}

std::optional<PeerBoard::Candidate> PeerBoard::furthest() const {
  const std::lock_guard lock(mutex_);
  std::optional<Candidate> best;
  for (const auto& [number, known] : known_) {
    if (!known.first.weights) continue;
    const bool is_better = !best || known.first.round > best->round ||
                           (known.first.round == best->round && known.first.name < best->name);
    if (is_better) best = known.first;
  }
  return best;
}

void PeerBoard::adopt(const Candidate& candidate) {
  start(*candidate.weights);
  const std::lock_guard lock(mutex_);
  mixer_->adopt_round(candidate.round);
}

std::vector<OutgoingShare> PeerBoard::begin(std::span<float> weights, double norm) {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(has_begun_, true))
    for (auto& [number, known] : known_) known.first = {};
  norm_ = norm;
  return mixer_->begin(weights);
}

double PeerBoard::wait(const Deadline& deadline, Milliseconds stop_grace) {
  std::unique_lock lock(mutex_);
  if (!mixer_->is_waiting()) return 0;
  const auto since = Clock::now();
  const auto is_over = [this] { return !mixer_->is_waiting(); };
  changed_.wait_until(lock, deadline.at(), [&] { return is_over() || stop_; });
  if (!is_over() && stop_) {
    const auto grace = Deadline::after(stop_grace);
    changed_.wait_until(lock, std::min(grace.at(), deadline.at()), is_over);
  }
  return seconds_since(since);
}

MixReport PeerBoard::end(std::span<float> weights) {
  const std::lock_guard lock(mutex_);
  return mixer_->end(weights);
}

RunningStatistics PeerBoard::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_.all();
}

std::string PeerBoard::last_failure() const {
  const std::lock_guard lock(mutex_);
  return last_failure_;
}

void PeerBoard::tell(PeerProgress& progress) const {
  const std::lock_guard lock(mutex_);
  progress.round_number = mixer_->round();
  progress.reconnects = reconnects_;
  progress.connected = mixer_->degree();
  progress.mass = mixer_->mass();
  progress.bytes_sent = bytes_sent_;
  progress.bytes_received = bytes_received_;
  progress.distance_mean = progress.distance_max = 0;
  std::size_t compared = 0;
  for (const auto& [number, neighbour] : mixer_->neighbours()) {
    if (!neighbour.is_present || neighbour.mixed == 0) continue;
    ++compared;
    progress.distance_mean += neighbour.distance;
    progress.distance_max = std::max(progress.distance_max, neighbour.distance);
  }
  if (compared > 0) progress.distance_mean /= static_cast<double>(compared);
}

}  // namespace genkidama
