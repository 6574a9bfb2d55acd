#include "sim/virtual_child.h"

#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/statistics.h"

namespace genkidama::sim {

VirtualChild::VirtualChild(const ChildOptions& options, LocalTrainer& trainer)
    : trainer_(trainer),
      mailbox_(options.exchange == ExchangeKind::kRounds),
      exchange_(ChildExchange::make(options, mailbox_, *this)) {}

FrameHeader VirtualChild::decode(std::span<const std::byte> frame) {
  const std::size_t components = trainer_.statistics_components();
  received_.weights.resize(trainer_.layout().size());
  statistics_bytes_.resize(statistics_bytes(components));
  const auto header = decode_frame(frame, received_.weights, statistics_bytes_);
  if (!header.ok()) throw FormatError("a simulated Parent's frame: " + header.reason());
  auto others = decode_statistics(statistics_bytes_, components);
  if (!others.ok()) throw FormatError("a simulated Parent's statistics: " + others.reason());
  received_.other_statistics = std::move(others.value());
  return header.value();
}

void VirtualChild::joined(const Welcome& welcome, std::span<const std::byte> frame) {
  const FrameHeader header = decode(frame);
  JoinedSession session;
  session.run_id = "simulation";
  session.session = session_ = welcome.session;
  session.sequence = welcome.sequence.value_or(0);
  session.resumed = welcome.sequence.has_value();
  session.merged_unanswered =
      session.resumed && session.sequence == sequence_sent_ && steps_sent_ != steps_answered_;
  if (session.merged_unanswered) steps_answered_ = steps_sent_;
  mailbox_.joining();
  generation_ = mailbox_.joined(session, received_, header.update).generation;
  if (!std::exchange(has_begun_, true)) exchange_->begin(trainer_);
}

void VirtualChild::answered(std::span<const std::byte> frame) {
  const FrameHeader header = decode(frame);
  steps_answered_ = steps_sent_;
  mailbox_.answered(generation_, header.sequence, received_, header.update);
}

bool VirtualChild::lost() {
  const bool was_joined = is_joined();
  mailbox_.lost(generation_);
  has_outgoing_ = false;
  return was_joined;
}

const RoundReport& VirtualChild::train() {
  report_ = trainer_.train_round();
  return report_;
}

bool VirtualChild::send_round() {
  has_outgoing_ = false;
  return exchange_->send_round(trainer_, report_);
}

void VirtualChild::take_answer() {
  exchange_->take_answer(trainer_);
}

std::optional<std::span<const std::byte>> VirtualChild::take_outgoing() {
  if (!std::exchange(has_outgoing_, false)) return std::nullopt;
  return outgoing_;
}

void VirtualChild::send(OutgoingWeights out) {
  encode_statistics(out.own_statistics, statistics_bytes_);
  extra_.clear();
  if (out.header.type == FrameType::kChildChange) encode_change_steps(out.change_steps, extra_);
  extra_.insert(extra_.end(), statistics_bytes_.begin(), statistics_bytes_.end());
  encode_frame(out.header, *out.weights, outgoing_, extra_);
  sequence_sent_ = out.header.sequence;
  steps_sent_ = out.header.environment_steps;
  has_outgoing_ = true;
}

}  // namespace genkidama::sim
