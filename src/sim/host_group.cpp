#include "sim/host_group.h"

#include <algorithm>
#include <utility>

#include "genkidama/wire/environment_frames.h"
#include "sim/engine.h"

namespace genkidama::sim {
namespace {

std::size_t message_of(std::uint64_t rows, std::size_t row_bytes) {
  return kEnvironmentHeaderBytes + static_cast<std::size_t>(rows) * row_bytes;
}

/// In which a host steps so many of its environments once.
double stepping_seconds(const MachineModel& machine, std::uint64_t steps) {
  const double each = machine.seconds_per_step - machine.seconds_per_inference;
  const double computing = machine.factor * each * static_cast<double>(steps);
  return machine.steps_per_second > 0 ? std::max(computing, 1 / machine.steps_per_second) : computing;
}

}  // namespace

HostGroup::HostGroup(const SimulationOptions& options)
    : options_(options),
      server_(options.machines.front().machine),
      server_random_(random_of(options, 0)),
      ingress_(options.parent_bits_per_second),
      egress_(options.parent_bits_per_second) {
  hosts_.reserve(options.machines.size() - 1);
  for (std::size_t i = 1; i < options.machines.size(); ++i)
    hosts_.emplace_back(options.machines[i], random_of(options, i));
}

Clock::time_point HostGroup::play_round(std::uint64_t requests, std::uint64_t optimizer_steps) {
  const std::uint64_t most = hosts_.size() * static_cast<std::uint64_t>(options_.environments);
  while (requests > 0) {
    const std::uint64_t asked = std::min(requests, most);
    play_turn(asked);
    requests -= asked;
  }
  compute(server_.factor * server_.seconds_per_gradient * static_cast<double>(optimizer_steps));
  return now_;
}

void HostGroup::compute(double seconds) {
  const double taken = with_jitter(server_, seconds, server_random_);
  computing_seconds_ += taken;
  now_ = within_reach(now_ + span_of(taken));
}

void HostGroup::play_turn(std::uint64_t requests) {
  compute(server_.factor * server_.seconds_per_inference * static_cast<double>(requests));
  ++turns_;
  arrivals_.clear();
  std::uint64_t left = requests;
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    const std::uint64_t share = left / (hosts_.size() - i);
    if (share == 0) continue;
    arrivals_.push_back(answer(i, share, now_));
    left -= share;
  }
  std::sort(arrivals_.begin(), arrivals_.end(), [](const Arrival& a, const Arrival& b) {
    return std::pair(a.passage.last, a.host) < std::pair(b.passage.last, b.host);
  });
  for (const Arrival& arrival : arrivals_)
    now_ = std::max(now_, ingress_.pass(arrival.passage, arrival.bytes).last);
  now_ = within_reach(now_);
}

HostGroup::Arrival HostGroup::answer(std::size_t index, std::uint64_t requests, Clock::time_point asked) {
  Host& host = hosts_[index];
  const std::size_t request = message_of(requests, options_.bytes_per_request);
  const Passage sent = egress_.pass({asked, asked}, bytes_on_wire(request));
  const Clock::time_point there = host.link.receive(sent, request, host.random, kOpenWindow);
  bytes_down_ += bytes_on_wire(request);

  const double seconds = with_jitter(host.machine, stepping_seconds(host.machine, requests), host.random);
  computing_seconds_ += seconds;
  const Clock::time_point played = there + span_of(seconds);

  const std::size_t message = message_of(requests, options_.bytes_per_answer);
  const std::size_t bytes = bytes_on_wire(message);
  bytes_up_ += bytes;
  return {host.link.send({played, played}, message, host.random, kOpenWindow), index, bytes};
}

double HostGroup::waiting_seconds() const {
  const double all = static_cast<double>(hosts_.size() + 1) * seconds_of(now_ - kBeginning);
  return std::max(0.0, all - computing_seconds_);
}

}  // namespace genkidama::sim
