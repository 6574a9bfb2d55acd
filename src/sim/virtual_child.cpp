#include "sim/virtual_child.h"

#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/moments.h"
#include "genkidama/wire/statistics.h"

namespace genkidama::sim {

VirtualChild::VirtualChild(const ChildOptions& options, LocalTrainer& trainer)
    : codec_(options.codec),
      makes_rounds_(options.exchange == ExchangeKind::kRounds),
      moments_size_(options.average_moments ? trainer.moments_shape().size : 0),
      trainer_(trainer),
      mailbox_(options.exchange == ExchangeKind::kRounds),
      exchange_(ChildExchange::make(options, mailbox_, *this)) {}

FrameHeader VirtualChild::decode(std::span<const std::byte> frame) {
  const std::size_t components = trainer_.statistics_components();
  const auto parts = split_frame(frame, statistics_bytes(components) + moments_bytes(moments_size_));
  if (!parts.ok()) throw FormatError("a simulated Parent's frame: " + parts.reason());
  const auto extra = parts.value().extra;
  auto others = decode_statistics(extra.first(statistics_bytes(components)), components);
  if (!others.ok()) throw FormatError("a simulated Parent's statistics: " + others.reason());
  auto moments = decode_moments(extra.subspan(statistics_bytes(components)), moments_size_);
  if (!moments.ok()) throw FormatError("a simulated Parent's moments: " + moments.reason());
  received_.moments = std::move(moments.value());
  received_.other_statistics = std::move(others.value());
  std::span<const float> weights;
  if (const auto wrong = decoder_->decode(parts.value().codec, parts.value().weights, weights);
      !wrong.empty())
    throw FormatError("a simulated Parent's weights: " + wrong);
  received_.weights.assign(weights.begin(), weights.end());
  return parts.value().header;
}

void VirtualChild::begin_codecs(const JoinedSession& session) {
  decoder_->begin(received_.weights);
  if (!makes_rounds_) {
    weights_.emplace(codec_, trainer_.layout(), CodedContent::kWeights);
    weights_->begin(received_.weights);
  } else if (!changes_ || !session.resumed) {
    // What was left out in another session is lost with the session.
    changes_.emplace(codec_, trainer_.layout(), CodedContent::kChanges);
  } else if (is_unanswered_ && !session.merged_unanswered) {
    changes_->take_back();
  } else {
    changes_->keep();
  }
  is_unanswered_ = false;
}

void VirtualChild::joined(const Welcome& welcome, std::span<const std::byte> frame) {
  decoder_.emplace(codec_, trainer_.layout(), CodedContent::kWeights);
  const FrameHeader header = decode(frame);
  JoinedSession session;
  session.run_id = "simulation";
  session.session = session_ = welcome.session;
  session.sequence = welcome.sequence.value_or(0);
  session.resumed = welcome.sequence.has_value();
  session.merged_unanswered = is_unanswered_ && session.resumed && session.sequence == sequence_sent_;
  if (session.merged_unanswered) steps_answered_ = steps_sent_;
  begin_codecs(session);
  mailbox_.joining();
  generation_ = mailbox_.joined(session, received_, header.update).generation;
  if (!std::exchange(has_begun_, true)) exchange_->begin(trainer_);
}

void VirtualChild::answered(std::span<const std::byte> frame) {
  const FrameHeader header = decode(frame);
  steps_answered_ = steps_sent_;
  is_unanswered_ = false;
  if (changes_) changes_->keep();
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

bool VirtualChild::send_playing(const Played& played, double mean_return) {
  has_outgoing_ = false;
  return exchange_->send_playing(trainer_, played, mean_return);
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
  if (moments_size_ > 0) append_moments(out.moments, extra_);
  encode_frame(out.header, *out.weights, makes_rounds_ ? *changes_ : *weights_, outgoing_, extra_);
  is_unanswered_ = true;
  sequence_sent_ = out.header.sequence;
  steps_sent_ = out.header.environment_steps;
  has_outgoing_ = true;
}

}  // namespace genkidama::sim
