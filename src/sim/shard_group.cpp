#include "sim/shard_group.h"

#include <algorithm>

#include "genkidama/wire/frame.h"
#include "genkidama/wire/shard_frames.h"
#include "sim/engine.h"

namespace genkidama::sim {
namespace {

std::size_t gradient_message(std::size_t slice) {
  return kFrameHeaderBytes + gradients_bytes(1, slice);
}

std::size_t answer_message(std::size_t slice) {
  return frame_bytes(slice, fates_bytes(1));
}

}  // namespace

ShardGroup::ShardGroup(const SimulationOptions& options, std::size_t weights) : options_(options) {
  learners_.reserve(options.machines.size());
  for (std::size_t i = 0; i < options.machines.size(); ++i)
    learners_.emplace_back(options.machines[i], random_of(options, i));
  for (std::size_t i = 0; i < options.shards; ++i) {
    const std::size_t slice = weights * (i + 1) / options.shards - weights * i / options.shards;
    shards_.emplace_back(options.parent_bits_per_second, slice);
  }
}

Clock::duration ShardGroup::compute(Learner& learner, double seconds) {
  const double taken = with_jitter(learner.machine, seconds, learner.random);
  computing_seconds_ += taken;
  return span_of(taken);
}

Clock::time_point ShardGroup::play_round(double steps, std::uint64_t gradients) {
  const Clock::time_point begun = ended_;
  const std::size_t count = learners_.size();
  for (std::size_t i = 0; i < count; ++i) {
    Learner& learner = learners_[i];
    const MachineModel& machine = learner.machine;
    const double part = steps / static_cast<double>(count);
    // A pace keeps a machine waiting, which is not computing.
    const double playing = playing_seconds(machine, part, options_.environments);
    const double computing = std::min(playing, machine.factor * machine.seconds_per_step * part);
    const Clock::time_point played = begun + compute(learner, computing) + span_of(playing - computing);
    learner.gradients = gradients * (i + 1) / count - gradients * i / count;
    ended_ = std::max(ended_, played);
    if (learner.gradients == 0) continue;
    events_.plan(played + compute(learner, machine.factor * machine.seconds_per_gradient),
                 {What::kComputed, i, 0, {}});
  }
  while (!events_.is_empty()) {
    const Event event = events_.take();
    if (event.what == What::kComputed) send(event.learner);
    if (event.what == What::kSlice) receive(event);
    if (event.what == What::kAnswer) answer(event);
  }
  return ended_;
}

void ShardGroup::send(std::size_t index) {
  Learner& learner = learners_[index];
  const Clock::time_point now = events_.now();
  learner.unanswered = shards_.size();
  learner.answered = now;
  for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
    const std::size_t message = gradient_message(shards_[shard].slice);
    bytes_up_ += bytes_on_wire(message);
    const Passage there = learner.link.send({now, now}, message, learner.random, kOpenWindow);
    events_.plan(there.first, {What::kSlice, index, shard, there});
  }
}

void ShardGroup::receive(const Event& slice) {
  Shard& shard = shards_[slice.shard];
  const Clock::time_point received =
      shard.ingress.pass(slice.passage, bytes_on_wire(gradient_message(shard.slice))).last;
  events_.plan(received, {What::kAnswer, slice.learner, slice.shard, {}});
}

void ShardGroup::answer(const Event& answer) {
  Shard& shard = shards_[answer.shard];
  Learner& learner = learners_[answer.learner];
  const MachineModel& machine = learner.machine;
  const std::size_t message = answer_message(shard.slice);
  const std::size_t bytes = bytes_on_wire(message);
  bytes_down_ += bytes;
  const Clock::time_point now = events_.now();
  const Passage sent = shard.egress.pass({now, now}, bytes);
  const Clock::time_point there = learner.link.receive(sent, message, learner.random, kOpenWindow);
  learner.answered = std::max(learner.answered, there);
  if (--learner.unanswered > 0) return;
  ended_ = std::max(ended_, learner.answered);
  if (--learner.gradients == 0) return;
  events_.plan(learner.answered + compute(learner, machine.factor * machine.seconds_per_gradient),
               {What::kComputed, answer.learner, 0, {}});
}

double ShardGroup::waiting_seconds() const {
  const double all = static_cast<double>(learners_.size()) * seconds_of(ended_ - kBeginning);
  return std::max(0.0, all - computing_seconds_);
}

}  // namespace genkidama::sim
