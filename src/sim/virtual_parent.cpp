#include "sim/virtual_parent.h"

#include <fmt/format.h>

#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/statistics.h"

namespace genkidama::sim {
namespace {

// Children of one machine differ by their ports.
std::string address_of(std::uint32_t child) {
  return fmt::format("10.{}.{}.{}:1", (child >> 16) & 255, (child >> 8) & 255, child & 255);
}

}  // namespace

VirtualParent::VirtualParent(const ParentOptions& options, const ParameterLayout& layout,
                             std::vector<float> weights, std::size_t children)
    : layout_(layout),
      state_(options, layout, std::move(weights)),
      sessions_(children),
      sequences_(children) {}

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
  return welcome;
}

void VirtualParent::receive(std::uint32_t child, std::span<const std::byte> bytes, Clock::time_point now) {
  const std::size_t components = state_.statistics_components();
  const std::size_t steps_bytes = state_.makes_rounds() ? kChangeStepsBytes : 0;
  const auto frame = view_frame(bytes, layout_.size(), copy_, steps_bytes + statistics_bytes(components));
  if (!frame.ok()) throw FormatError("a simulated Child's frame: " + frame.reason());
  const FrameView& view = frame.value();
  auto own = decode_statistics(view.extra.subspan(steps_bytes), components);
  if (!own.ok()) throw FormatError("a simulated Child's statistics: " + own.reason());
  if (const auto bad = state_.objection(view.weights)) {
    throw Error(fmt::format("the Parent refuses the weights of {}: {}", name_of(child), *bad));
  }
  NumberedStatistics numbered{child + std::uint64_t{1}, std::move(own.value())};
  if (state_.makes_rounds()) {
    state_.contribute(view.header, decode_change_steps(view.extra), view.weights, now, std::move(numbered));
    sequences_[child] = view.header.sequence;
    look(now);
    return;
  }
  const MergeReport report = state_.merge(view.header, view.weights, now, std::move(numbered));
  if (!report.failure.empty()) throw Error(report.failure);
  staleness_ += report.staleness;
  ++contributions_;
  answers_.push_back({child, view.header.sequence});
}

void VirtualParent::left(std::uint32_t child, bool for_good, Clock::time_point now) {
  if (sessions_[child] == 0) return;
  state_.left(std::exchange(sessions_[child], 0), for_good);
  sequences_[child] = 0;
  if (state_.makes_rounds()) look(now);
}

void VirtualParent::look(Clock::time_point now) {
  if (!state_.makes_rounds() || !state_.is_round_over(now)) return;
  const RoundMergeReport report = state_.merge_round(now);
  if (!report.failure.empty()) throw Error(report.failure);
  for (const RoundContribution& each : report.contributions) staleness_ += each.staleness;
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
  if (state_.statistics_components() > 0) {
    encode_statistics(state_.other_statistics(answer.child + std::uint64_t{1}), statistics_bytes_);
  }
  encode_frame(header, state_.current(), frame, statistics_bytes_);
}

}  // namespace genkidama::sim
