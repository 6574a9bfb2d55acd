#include "sim/virtual_parent.h"

#include <fmt/format.h>

#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/moments.h"
#include "genkidama/wire/statistics.h"

namespace genkidama::sim {
namespace {

// Children of one machine differ by their ports.
std::string address_of(std::uint32_t child) {
  return fmt::format("10.{}.{}.{}:1", (child >> 16) & 255, (child >> 8) & 255, child & 255);
}

}  // namespace

VirtualParent::VirtualParent(const ParentOptions& options, const ParameterLayout& layout,
                             std::vector<float> weights, std::size_t children, CodecKind codec,
                             const MomentsShape& moments)
    : layout_(layout),
      state_(options, layout, std::move(weights)),
      sessions_(children),
      sequences_(children),
      codec_(codec),
      codecs_(children) {
  if (state_.averages_moments()) state_.begin_moments(moments);
}

// Of equal length, so that the order of names is that of numbers.
std::string VirtualParent::name_of(std::uint32_t child) {
  return fmt::format("child-{:06}", child + 1);
}

Welcome VirtualParent::join(std::uint32_t child, std::uint64_t session, std::uint64_t steps_counted,
                            Clock::time_point now) {
  Welcome welcome;
  if (session > 0) welcome.sequence = state_.rejoined(session, name_of(child), address_of(child), now);
  welcome.session = session;
  if (!welcome.sequence) {
    ChildStatus status;
    status.name = name_of(child);
    status.address = address_of(child);
    status.session = welcome.session = next_session_++;
    status.since_child_began.steps = steps_counted;
    state_.joined(std::move(status), steps_counted, session > 0, now);
  }
  sessions_[child] = welcome.session;
  ++connected_;
  return welcome;
}

void VirtualParent::receive(std::uint32_t child, std::span<const std::byte> bytes, Clock::time_point now) {
  const std::size_t components = state_.statistics_components();
  const std::size_t steps_bytes = state_.makes_rounds() ? kChangeStepsBytes : 0;
  const std::size_t moments_size = state_.moments_size();
  const auto frame =
      split_frame(bytes, steps_bytes + statistics_bytes(components) + moments_bytes(moments_size));
  if (!frame.ok()) throw FormatError("a simulated Child's frame: " + frame.reason());
  const FrameParts& parts = frame.value();
  const auto extra = parts.extra.subspan(steps_bytes);
  auto own = decode_statistics(extra.first(statistics_bytes(components)), components);
  if (!own.ok()) throw FormatError("a simulated Child's statistics: " + own.reason());
  auto moments = decode_moments(extra.subspan(statistics_bytes(components)), moments_size);
  if (!moments.ok()) throw FormatError("a simulated Child's moments: " + moments.reason());
  std::span<const float> weights;
  if (const auto wrong = codecs_[child].decoder->decode(parts.codec, parts.weights, weights); !wrong.empty())
    throw FormatError("a simulated Child's weights: " + wrong);
  auto bad = state_.objection(weights);
  if (!bad && moments_size > 0) {
    if (auto fault = moments_fault(state_.current_moments().shape(), moments.value().values); !fault.empty())
      bad = std::move(fault);
  }
  if (bad) throw Error(fmt::format("the Parent refuses the weights of {}: {}", name_of(child), *bad));
  NumberedStatistics numbered{child + std::uint64_t{1}, std::move(own.value())};
  if (state_.makes_rounds()) {
    state_.contribute(parts.header, decode_change_steps(parts.extra), weights, now, std::move(numbered),
                      std::move(moments.value()));
    sequences_[child] = parts.header.sequence;
    look(now);
    return;
  }
  const MergeReport report = state_.merge(parts.header, weights, now, std::move(numbered));
  if (!report.failure.empty()) throw Error(report.failure);
  staleness_ += report.staleness;
  ++contributions_;
  merged_.add(report.since_merge, parts.header.mean_return);
  ++merged_.merges;
  answers_.push_back({child, parts.header.sequence});
}

void VirtualParent::left(std::uint32_t child, bool for_good, Clock::time_point now) {
  if (sessions_[child] == 0) return;
  --connected_;
  state_.left(std::exchange(sessions_[child], 0), for_good);
  sequences_[child] = 0;
  if (state_.makes_rounds()) look(now);
}

void VirtualParent::look(Clock::time_point now) {
  if (!state_.makes_rounds() || !state_.is_round_over(now)) return;
  const RoundMergeReport report = state_.merge_round(now);
  if (!report.failure.empty()) throw Error(report.failure);
  for (const RoundContribution& each : report.contributions) {
    staleness_ += each.staleness;
    merged_.add(each.since_merge, each.mean_return);
  }
  ++merged_.merges;
  contributions_ += report.contributions.size();
  for (std::uint32_t child = 0; child < sequences_.size(); ++child) {
    if (sequences_[child] > 0) answers_.push_back({child, std::exchange(sequences_[child], 0)});
  }
}

void VirtualParent::encode(const Answer& answer, std::vector<std::byte>& frame) {
  FrameHeader header;
  header.type = FrameType::kParentWeights;
  header.session = sessions_[answer.child];
  header.sequence = answer.sequence;
  header.update = state_.updates();
  extra_.clear();
  if (state_.statistics_components() > 0)
    encode_statistics(state_.other_statistics(answer.child + std::uint64_t{1}), extra_);
  if (state_.averages_moments()) append_moments(state_.current_moments().mean(), extra_);
  const auto weights = state_.weights_for(sessions_[answer.child]);
  Codecs& codecs = codecs_[answer.child];
  if (answer.sequence > 0) {
    encode_frame(header, weights, *codecs.encoder, frame, extra_);
    return;
  }
  codecs.encoder.emplace(codec_, layout_, CodedContent::kWeights);
  codecs.decoder.emplace(codec_, layout_,
                         state_.makes_rounds() ? CodedContent::kChanges : CodedContent::kWeights);
  codecs.encoder->begin(weights);
  codecs.decoder->begin(weights);
  encode_frame(header, weights, frame, extra_);
}

}  // namespace genkidama::sim
