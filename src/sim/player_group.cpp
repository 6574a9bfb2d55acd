#include "sim/player_group.h"

#include <algorithm>
#include <utility>

#include "genkidama/wire/frame.h"
#include "sim/engine.h"

namespace genkidama::sim {

PlayerGroup::PlayerGroup(const SimulationOptions& options, std::size_t first, std::size_t machines,
                         double learner_bits_per_second)
    : options_(options), ingress_(learner_bits_per_second), egress_(learner_bits_per_second) {
  players_.reserve(machines);
  for (std::size_t i = first; i < first + machines; ++i)
    players_.emplace_back(options.machines[i], random_of(options, i));
}

Clock::time_point PlayerGroup::play_round(double steps, std::uint64_t optimizer_steps) {
  if (!began_) began_ = kBeginning;
  busy_.clear();
  const Clock::time_point complete = play(steps);
  return learn(complete, optimizer_steps);
}

Clock::time_point PlayerGroup::play(double steps) {
  const double share = steps / static_cast<double>(players_.size());
  arrivals_.clear();
  Clock::time_point complete{};
  for (std::size_t i = 0; i < players_.size(); ++i) {
    Player& player = players_[i];
    const MachineModel& machine = player.machine;
    const double seconds =
        with_jitter(machine, playing_seconds(machine, share, options_.environments), player.random);
    computing_seconds_ += seconds;
    const Clock::time_point end = player.start + span_of(seconds);
    busy_.push_back({player.start, end});
    if (i == 0) {
      complete = end;
      continue;
    }
    const auto message =
        kFrameHeaderBytes + static_cast<std::size_t>(share * static_cast<double>(options_.bytes_per_step));
    const std::size_t bytes = bytes_on_wire(message);
    // What is sent all the time has no window to open.
    arrivals_.push_back(
        {player.link.send({player.start, end}, message, player.random, kPacketBytes), i, bytes});
    bytes_up_ += bytes;
  }
  std::sort(arrivals_.begin(), arrivals_.end(), [](const Arrival& a, const Arrival& b) {
    return std::pair(a.passage.last, a.player) < std::pair(b.passage.last, b.player);
  });
  for (const Arrival& arrival : arrivals_)
    complete = std::max(complete, ingress_.pass(arrival.passage, arrival.bytes).last);
  return complete;
}

Clock::time_point PlayerGroup::learn(Clock::time_point begin, std::uint64_t optimizer_steps) {
  const MachineModel& machine = players_.front().machine;
  const double seconds = with_jitter(
      machine, machine.factor * machine.seconds_per_gradient * static_cast<double>(optimizer_steps),
      players_.front().random);
  computing_seconds_ += seconds;
  const Clock::time_point end = begin + span_of(seconds);
  busy_.push_back({begin, end});
  return end;
}

void PlayerGroup::send_weights(Clock::time_point now, std::size_t message) {
  if (!began_) began_ = now;
  const std::size_t bytes = bytes_on_wire(message);
  players_.front().start = now;
  for (std::size_t i = 1; i < players_.size(); ++i) {
    Player& player = players_[i];
    const Passage sent = egress_.pass({now, now}, bytes);
    player.start = player.link.receive(sent, message, player.random);
    bytes_down_ += bytes;
  }
}

double PlayerGroup::computed_by(Clock::time_point moment) const {
  double later = 0;
  for (const Passage& span : busy_)
    later += std::max(0.0, seconds_of(span.last - std::max(span.first, moment)));
  return std::max(0.0, computing_seconds_ - later);
}

double PlayerGroup::waited_by(Clock::time_point moment) const {
  if (!began_) return 0;
  const double all = static_cast<double>(players_.size()) * seconds_of(moment - *began_);
  return std::max(0.0, all - computed_by(moment));
}

}  // namespace genkidama::sim
