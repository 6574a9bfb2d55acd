#include "net/parent/parent_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <tuple>
#include <utility>

#include "core/failpoint.h"
#include "genkidama/core/log.h"
#include "genkidama/core/version.h"
#include "genkidama/params/segment_limits.h"
#include "genkidama/wire/member_orders.h"
#include "genkidama/wire/moments.h"
#include "genkidama/wire/shard_frames.h"
#include "genkidama/wire/statistics.h"
#include "net/host/link_host.h"
#include "net/parent/session_numbers.h"
#include "net/peer_difference.h"
#include "net/try_log.h"

namespace genkidama {
namespace {

constexpr std::size_t kSmallMessageBytes = 4096;  // leave, with the longest reason
// An actor's environments end a round together: each worker may play a step more in each of them.
constexpr std::uint64_t kMostSurplusSteps = 4096;

std::uint64_t most_steps(const SegmentOptions& options) {
  return options.round_steps + kMostSurplusSteps;
}

// What a learner has room for: CoreOrchestrator::learn_round().
std::uint64_t most_segment_steps(const SegmentOptions& options) {
  return options.round_steps + 1024;
}

std::string score_text(const std::optional<double>& score) {
  return score ? fmt::format("{:.6g}", *score) : "no score";
}

double seconds(Milliseconds span) {
  return static_cast<double>(span.count()) / 1000;
}

}  // namespace

ParentSession::ParentSession(ParentSessionOwner& owner, LinkHost& host, std::uint64_t connection)
    : HostedSession(host, connection), owner_(owner) {}

void ParentSession::end(const std::string& reason) {
  if (joined()) {
    link_->send_text(encode_message(EndMessage{reason}));
    link_->close(reason);
  } else {
    link_->drop(reason);
  }
}

void ParentSession::on_text(std::string_view text) {
  if (phase_ == Phase::kOver) return;
  const auto message = decode_message(text);
  if (!message.ok()) {
    refuse({RefusalCode::kProtocol, message.reason()});
  } else if (phase_ == Phase::kHello) {
    on_greeting(message.value());
  } else {
    on_message(message.value());
  }
}

void ParentSession::on_greeting(const Message& message) {
  if (const auto* hello = std::get_if<HelloMessage>(&message)) {
    join(*hello);
  } else if (const auto* refusal = std::get_if<RefuseMessage>(&message)) {
    standing_ = Standing::kRefused;
    owner_.state().peer_refused(fmt::format("the {} refused: {}", words().the_child, refusal->reason));
    host_.peer_refused(connection_);
    child_refused(*refusal);
  } else {
    refuse_unexpected(message);
  }
}

void ParentSession::on_message(const Message& message) {
  if (const auto* leave = std::get_if<LeaveMessage>(&message)) {
    phase_ = Phase::kOver;
    session_over_ = true;
    link_->close("it left: " + leave->reason);
  } else if (const auto* refusal = std::get_if<RefuseMessage>(&message)) {
    child_refused(*refusal);
  } else {
    refuse_unexpected(message);
  }
}

void ParentSession::child_refused(const RefuseMessage& refusal) {
  phase_ = Phase::kOver;
  // The Child has lost the thread too; what else it refuses says nothing about its session.
  session_over_ = refusal.code == RefusalCode::kSequence;
  link_->close(fmt::format("the {} refused: {}", words().the_child, refusal.reason));
}

void ParentSession::refuse_unexpected(const Message& message) {
  refuse({RefusalCode::kProtocol, fmt::format("a {} message is not expected here", message_type(message))});
}

// How it joins.

void ParentSession::join(const HelloMessage& hello) {
  if (const auto left = owner_.quarantine_left(offender(hello.name)); left > Milliseconds::zero()) {
    // Busy: it may come again.
    refuse({RefusalCode::kBusy,
            fmt::format("'{}' is in quarantine for {:.0f} s more: its weights were refused", hello.name,
                        std::ceil(seconds(left))),
            PeerFault::kQuarantine});
    return;
  }
  const PeerSides sides{fmt::format("at the {} '{}'", words().the_parent, owner_.options().name),
                        fmt::format("at the {} '{}'", words().the_child, hello.name)};
  auto different = owner_.layout().difference(hello.layout, sides.own, sides.peer);
  if (!different) different = difference_of_policy(owner_.options().policy, hello.policy, sides);
  if (different) {
    refuse({RefusalCode::kLayout,
            fmt::format("a different network: {}; give both the same task and options of the network and the "
                        "algorithm",
                        *different)});
    return;
  }
  if (const char* const here = exchange_name(owner_.options().exchange); hello.exchange != here) {
    refuse({RefusalCode::kProtocol,
            fmt::format("this {}'s exchange is '{}' and the peer asks for '{}'; give both the same{}",
                        words().the_parent, here, hello.exchange,
                        hello.exchange == kGradientsExchange ? ", or connect a learner with shards to shards"
                        : hello.peer                         ? ", or connect peers to peers"
                                                             : "")});
    return;
  }
  if (hello.statistics != owner_.state().statistics_components()) {
    refuse({RefusalCode::kLayout,
            fmt::format("statistics of {} components, and this {}'s run has those of {} (0: nothing is "
                        "normalised); give both the same options",
                        hello.statistics, words().the_parent, owner_.state().statistics_components())});
    return;
  }
  if (const std::uint64_t steps = owner_.options().segments.round_steps;
      takes_segments() && hello.round_steps > 0 && hello.round_steps < steps) {
    refuse({RefusalCode::kLayout,
            fmt::format("this actor's rounds have at most {} steps, and this learner's {}; give the actor "
                        "round_steps of {} or more",
                        hello.round_steps, steps, steps)});
    return;
  }
  if (const std::string objection = owner_.state().begin_moments(hello.moments); !objection.empty()) {
    const bool is_other_optimizer = hello.moments && owner_.state().averages_moments();
    refuse({is_other_optimizer ? RefusalCode::kLayout : RefusalCode::kProtocol, objection});
    return;
  }
  if (owner_.state().is_population_full(hello.name)) {
    refuse({RefusalCode::kBusy, fmt::format("this population has {} members, and '{}' is none of them",
                                            Population::kMostMembers, hello.name)});
    return;
  }
  own_name_ = hello.name;
  stream_ = hello.stream;
  const auto resumed = resume(hello);
  if (resumed) {
    next_sequence_ = *resumed + 1;
  } else if (!begin_session(hello)) {
    refuse({RefusalCode::kBusy,
            fmt::format("this {} has no session numbers left; start it again", words().the_parent)});
    return;
  }
  phase_ = Phase::kJoined;
  agree_on_codec(hello);
  use_pool();
  link_->established(std::max(largest_frame(), kSmallMessageBytes));
  welcome(resumed);
  send_first_weights();
  // It may have taken its session from the last link that others waited for.
  owner_.round_changed();
}

void ParentSession::agree_on_codec(const HelloMessage& hello) {
  const auto wanted = codec_of(hello.codec);
  if (!wanted) {
    log(LogLevel::kInfo, "{}: '{}' asks for the codec '{}', which this {} does not know; it is '{}'",
        words().parent, shown_name_, hello.codec, words().the_parent, codec_name(CodecKind::kFloat32));
  }
  // A member goes on from exactly the weights that it copies.
  const CodecKind codec = has_members() ? CodecKind::kFloat32 : wanted.value_or(CodecKind::kFloat32);
  if (codec != CodecKind::kFloat32) {
    log(LogLevel::kInfo, "{}: '{}' exchanges in the codec '{}'", words().parent, shown_name_,
        codec_name(codec));
  }
  encoder_.emplace(codec, owner_.layout(), CodedContent::kWeights);
  decoder_.emplace(codec, owner_.layout(), makes_rounds() ? CodedContent::kChanges : CodedContent::kWeights);
  owner_.state().codec_agreed(session_, codec);
}

bool ParentSession::begin_session(const HelloMessage& hello) {
  const auto number = owner_.next_session_number();
  if (!number) return false;
  session_ = *number;
  ChildStatus status;
  status.name = own_name_;
  status.address = link_->address();
  status.session = session_;
  status.since_child_began.steps = hello.environment_steps;
  // Whoever has a member's name takes the member up, also as a process that knows nothing of the run.
  const bool came_back = has_members() || (hello.resume && hello.run_id == owner_.options().run_id);
  owner_.state().joined(std::move(status), hello.environment_steps, came_back);
  standing_ = Standing::kJoined;
  shown_name_ = owner_.state().shown_name_of(session_);
  log(LogLevel::kInfo, "{}: '{}' ({}) joined as session {}", words().parent, shown_name_, link_->address(),
      session_);
  if (shown_name_ != own_name_) {
    owner_.warn(from().to_string() + own_name_,
                fmt::format("{}: the {} at {} calls itself '{}', as another one does that is here or may "
                            "come back; it is shown "
                            "as '{}'",
                            words().parent, words().the_child, link_->address(), own_name_, shown_name_));
  }
  return true;
}

void ParentSession::welcome(const std::optional<std::uint64_t>& resumed) {
  WelcomeMessage welcome;
  welcome.name = owner_.options().name;
  welcome.run_id = owner_.options().run_id;
  welcome.library = std::string("genkidama ") + kVersion;
  welcome.session = session_;
  welcome.update = owner_.state().updates();
  welcome.sequence = resumed;
  if (shown_name_ != own_name_) welcome.shown_name = shown_name_;
  welcome.statistics = owner_.state().statistics_components();
  if (owner_.state().averages_moments()) welcome.moments = owner_.state().moments_size();
  welcome.exchange = exchange_name(owner_.options().exchange);
  welcome.codec = codec_name(encoder_->kind());
  const SegmentOptions& segments = owner_.options().segments;
  if (owner_.state().queues_segments()) welcome.actors = actor_mode_name(segments.mode);
  if (has_members()) {
    for (const auto& each : owner_.state().current_population().options().explored)
      welcome.explored.push_back(each.name);
  }
  if (takes_segments()) std::tie(welcome.place, welcome.places) = owner_.state().place_of(session_);
  const bool answers_at_once =
      owner_.state().queues_segments() && segments.when_full == FullQueue::kDropOldest;
  if ((makes_rounds() || takes_segments()) && !answers_at_once)
    welcome.longest_wait_ms = OpenRound::longest_wait(owner_.options().rounds).count();
  link_->send_text(encode_message(welcome));
}

std::optional<std::uint64_t> ParentSession::find_resumed(const HelloMessage& hello, std::string& objection) {
  const SessionMark& mark = *hello.resume;
  if (hello.run_id != owner_.options().run_id) {
    objection = "it is of another run";
    return std::nullopt;
  }
  if (SessionNumbers::epoch_of(mark.session) != owner_.epoch()) {
    objection = fmt::format("it is of another start of this {}", words().the_parent);
    return std::nullopt;
  }
  // The Child may have noticed first that their link was lost.
  owner_.detach_session(mark.session, hello.name);
  const auto merged = owner_.state().rejoined(mark.session, hello.name, link_->address());
  if (!merged) objection = fmt::format("it is not known, or another {}'s", words().the_child);
  return merged;
}

std::optional<std::uint64_t> ParentSession::resume(const HelloMessage& hello) {
  if (!hello.resume) return std::nullopt;
  std::string objection;
  const auto merged = find_resumed(hello, objection);
  if (!merged) {
    log(LogLevel::kInfo, "{}: '{}' cannot go on with session {}: {}", words().parent, hello.name,
        hello.resume->session, objection);
    return std::nullopt;
  }
  session_ = hello.resume->session;
  standing_ = Standing::kJoined;
  shown_name_ = owner_.state().shown_name_of(session_);
  log(LogLevel::kInfo, "{}: '{}' ({}) goes on with session {}; it had sent {}, and {} was {} last",
      words().parent, shown_name_, link_->address(), session_, hello.resume->sequence, *merged,
      takes_segments() ? "taken" : "merged");
  return merged;
}

// What it sends.

void ParentSession::on_binary(std::span<const std::byte> frame) {
  if (phase_ == Phase::kOver) return;
  if (phase_ == Phase::kHello) {
    refuse({RefusalCode::kProtocol, "a binary message where a hello is expected"});
    return;
  }
  owner_.state().frame_received(session_, frame.size());
  if (takes_segments()) {
    on_segments(frame);
    return;
  }
  if (pooled_) {
    begin_look(frame);
  } else {
    take_frame(split_frame(frame, extra_bytes()));
  }
}

void ParentSession::take_frame(const Decoded<FrameParts>& parts) {
  if (!parts.ok()) {
    refuse({RefusalCode::kFrame, parts.reason()});
    return;
  }
  const std::size_t components = owner_.state().statistics_components();
  const auto extra = parts.value().extra.subspan(makes_rounds() ? kChangeStepsBytes : 0);
  auto own = decode_statistics(extra.first(statistics_bytes(components)), components);
  auto moments = decode_moments(extra.subspan(statistics_bytes(components)), owner_.state().moments_size());
  if (!own.ok() || !moments.ok()) {
    refuse({RefusalCode::kFrame, own.ok() ? moments.reason() : own.reason()});
  } else if (const auto wrong = owner_.state().objection(own.value()); !wrong.empty()) {
    refuse({RefusalCode::kFrame, wrong});
  } else if (const auto refusal = objection(parts.value())) {
    refuse(*refusal);
  } else {
    take_weights(parts.value(), std::move(own.value()), std::move(moments.value()));
  }
}

void ParentSession::take_weights(const FrameParts& frame, RunningStatistics own, OptimizerMoments moments) {
  FrameView view{frame.header, {}, frame.extra};
  if (const auto wrong =
          pooled_ ? pooled_->decode_fault() : decoder_->decode(frame.codec, frame.weights, view.weights);
      !wrong.empty()) {
    refuse({RefusalCode::kFrame, "binary frame: " + wrong});
  } else if (has_members()) {
    take_member(view, std::move(own));
  } else if (const auto bad = pooled_ ? pooled_->look().objection : owner_.state().objection(view.weights)) {
    quarantine_child(*bad);
  } else if (const std::string fault =
                 moments_fault(owner_.state().current_moments().shape(), moments.values);
             owner_.state().averages_moments() && !fault.empty()) {
    quarantine_child(fault);
  } else if (makes_rounds()) {
    contribute(view, std::move(own), std::move(moments));
  } else if (pooled_) {
    begin_merge(frame.header, std::move(own));
  } else {
    merge(view, std::move(own));
  }
}

void ParentSession::on_segments(std::span<const std::byte> frame) {
  const std::size_t components = owner_.state().statistics_components();
  const auto parts = split_frame(frame, statistics_bytes(components));
  if (!parts.ok()) return refuse({RefusalCode::kFrame, parts.reason()});
  const auto segments = parts.value().weights;
  const SegmentShape& shape = owner_.state().segments().shape;
  if (const auto refusal = objection(parts.value())) return refuse(*refusal);
  if (const auto different = segments_difference(segments, shape)) {
    return refuse({RefusalCode::kLayout, *different});
  }
  auto own = decode_statistics(parts.value().extra, components);
  if (!own.ok()) return refuse({RefusalCode::kFrame, own.reason()});
  if (const auto wrong = owner_.state().objection(own.value()); !wrong.empty()) {
    return refuse({RefusalCode::kFrame, wrong});
  }
  auto batch = decode_segments(segments, shape,
                               {.max_steps = most_steps(owner_.state().segments()),
                                .max_segment_steps = most_segment_steps(owner_.state().segments()),
                                .max_version = owner_.state().updates()});
  if (!batch.ok()) return refuse({RefusalCode::kFrame, batch.reason()});
  owner_.state().contribute(parts.value().header, std::move(batch.value()), Clock::now(),
                            {stream_, std::move(own.value())});
  note_contribution(parts.value().header);
}

std::size_t ParentSession::largest_frame() const {
  if (!takes_segments()) return max_frame_bytes(encoder_->kind(), owner_.layout(), extra_bytes());
  const SegmentOptions& options = owner_.state().segments();
  return std::min(kMostSegmentBytes,
                  frame_bytes(0, extra_bytes()) + most_segments_bytes(most_steps(options), options.shape));
}

std::size_t ParentSession::extra_bytes() const {
  return statistics_bytes(owner_.state().statistics_components()) + (makes_rounds() ? kChangeStepsBytes : 0) +
         moments_bytes(owner_.state().moments_size());
}

std::optional<Refusal> ParentSession::objection(const FrameParts& frame) const {
  const FrameHeader& header = frame.header;
  if (header.type == FrameType::kParentWeights) {
    return Refusal{RefusalCode::kFrame, "a Parent's weights, sent to the Parent"};
  }
  if (header.type != expected_type()) {
    return Refusal{RefusalCode::kFrame,
                   fmt::format("a frame of type {}, which is not for the exchange '{}'",
                               static_cast<int>(header.type), exchange_name(owner_.options().exchange))};
  }
  if (header.session != session_) return Refusal{RefusalCode::kSequence, foreign_session(header.session)};
  if (header.sequence != next_sequence_) {
    return Refusal{RefusalCode::kSequence,
                   fmt::format("sequence {} where {} is next", header.sequence, next_sequence_)};
  }
  if (!makes_rounds() && !takes_segments()) return std::nullopt;
  if (auto refusal = round_objection(header)) return refusal;
  return makes_rounds() ? change_objection(frame) : std::nullopt;
}

FrameType ParentSession::expected_type() const {
  switch (owner_.options().exchange) {
    case ExchangeKind::kRounds:
      return FrameType::kChildChange;
    case ExchangeKind::kSegments:
      return FrameType::kActorSegments;
    case ExchangeKind::kEach:
    case ExchangeKind::kPopulation:
      break;
  }
  return FrameType::kChildWeights;
}

std::optional<Refusal> ParentSession::round_objection(const FrameHeader& header) const {
  if (contributed_ > 0) {
    return Refusal{RefusalCode::kSequence,
                   fmt::format("sequence {} before the answer to {}", header.sequence, contributed_)};
  }
  if (const std::uint64_t now = owner_.state().updates(); header.update > now) {
    return Refusal{RefusalCode::kSequence,
                   fmt::format("{} the weights of update {}, and this {} is at update {}",
                               makes_rounds() ? "a change learnt from" : "segments played with",
                               header.update, words().the_parent, now)};
  }
  return std::nullopt;
}

std::optional<Refusal> ParentSession::change_objection(const FrameParts& frame) const {
  const FrameHeader& header = frame.header;
  const std::uint64_t steps = decode_change_steps(frame.extra);
  if (steps > header.environment_steps) {
    return Refusal{RefusalCode::kFrame,
                   fmt::format("a change learnt in {} steps, of a Child that has played {}", steps,
                               header.environment_steps)};
  }
  return std::nullopt;
}

std::string ParentSession::foreign_session(std::uint64_t session) const {
  const std::uint64_t epoch = SessionNumbers::epoch_of(session);
  if (epoch < owner_.epoch()) {
    return fmt::format("a frame of an earlier start of this {} (session {} of epoch {}; this is epoch {})",
                       words().the_parent, session, epoch, owner_.epoch());
  }
  return fmt::format("a frame of session {} in session {}", session, session_);
}

void ParentSession::merge(const FrameView& frame, RunningStatistics own) {
  const MergeReport report =
      owner_.state().merge(frame.header, frame.weights, Clock::now(), {stream_, std::move(own)});
  if (!report.failure.empty()) {
    owner_.rule_failed(report.failure);
    return;
  }
  ++next_sequence_;
  GENKIDAMA_FAILPOINT("parent_merged");
  // The Child waits, the observer does not.
  send_weights(frame.header.sequence);
  GENKIDAMA_FAILPOINT("parent_answered");
  tell_merge(frame.header, report, owner_.state().current());
}

void ParentSession::tell_merge(const FrameHeader& frame, const MergeReport& report,
                               std::span<const float> weights, std::vector<PopulationChange> changes) {
  if (report.was_late) {
    log(LogLevel::kInfo, "parent: child '{}' is back after {:.3g} s", shown_name_, report.was_late->silence);
  }
  ParentUpdate update;
  update.update = owner_.state().updates();
  update.child = shown_name_;
  update.session = session_;
  update.sequence = frame.sequence;
  update.since_child_began = {frame.environment_steps, frame.episodes};
  update.since_merge = report.since_merge;
  update.mean_return = frame.mean_return;
  update.staleness = report.staleness;
  update.weights = weights;
  update.movement = report.movement;
  update.agreement = report.agreement;
  update.merge_method = owner_.state().current_merge_method();
  update.changes = std::move(changes);
  if (has_members()) {
    update.population = &owner_.state().current_population();
    if (const PopulationMember* const best = update.population->best()) {
      update.best_member = best->name;
      update.best_score = best->score;
    }
  }
  owner_.session_merged(update);
  host_.peer_works(connection_);
}

void ParentSession::take_member(const FrameView& frame, RunningStatistics own) {
  const auto bad = owner_.state().objection(frame.weights);
  if (bad) {
    log(LogLevel::kWarning, "parent: the weights of '{}' ({}) are of no use, and it is given others: {}",
        shown_name_, link_->address(), *bad);
  }
  MemberMergeReport report =
      owner_.state().take_member(frame.header, frame.weights, !bad, Clock::now(), {stream_, std::move(own)});
  ++next_sequence_;
  GENKIDAMA_FAILPOINT("parent_merged");
  send_weights(frame.header.sequence);
  GENKIDAMA_FAILPOINT("parent_answered");
  for (const PopulationChange& change : report.changes) {
    if (change.source.empty()) continue;
    log(LogLevel::kInfo, "parent: '{}' ({}) goes on from '{}' ({}) after {} steps", change.member,
        score_text(change.score), change.source, score_text(change.source_score), change.steps);
  }
  tell_merge(frame.header, report.merge, owner_.state().current(), std::move(report.changes));
}

void ParentSession::contribute(const FrameView& frame, RunningStatistics own, OptimizerMoments moments) {
  owner_.state().contribute(frame.header, decode_change_steps(frame.extra), frame.weights, Clock::now(),
                            {stream_, std::move(own)}, std::move(moments));
  note_contribution(frame.header);
}

void ParentSession::note_contribution(const FrameHeader& header) {
  contributed_ = header.sequence;
  ++next_sequence_;
  GENKIDAMA_FAILPOINT("parent_contributed");
  owner_.round_changed();
}

void ParentSession::answer_round() {
  send_weights(std::exchange(contributed_, 0));
  host_.peer_works(connection_);
}

FrameHeader ParentSession::make_header(std::uint64_t sequence) const {
  FrameHeader header;
  header.type = FrameType::kParentWeights;
  header.session = session_;
  header.sequence = sequence;
  header.update = owner_.state().updates_begun();
  header.environment_steps = owner_.state().steps_to_play();
  header.episodes = owner_.state().run_steps();
  return header;
}

void ParentSession::encode_extra() {
  const ParentState& state = owner_.state();
  extra_.clear();
  // encode_statistics() writes over what is there.
  if (state.statistics_components() > 0) encode_statistics(state.other_statistics(stream_), extra_);
  if (has_members()) {
    const PopulationMember& member = state.member_of(session_);
    std::vector<std::byte> orders;
    append_member_orders({member.is_changed, member.values}, orders);
    extra_.insert(extra_.begin(), orders.begin(), orders.end());
  }
  if (state.averages_moments()) append_moments(state.current_moments().mean(), extra_);
}

void ParentSession::send_first_weights() {
  const auto weights = pooled_ ? pooled_->snapshot() : owner_.state().weights_for(session_);
  encoder_->begin(weights);
  decoder_->begin(weights);
  encode_extra();
  auto frame = link_->take_frame_buffer();
  encode_frame(make_header(0), weights, frame, extra_);
  send_frame(std::move(frame));
}

void ParentSession::send_weights(std::uint64_t sequence) {
  encode_extra();
  auto frame = link_->take_frame_buffer();
  encode_frame(make_header(sequence), owner_.state().weights_for(session_), *encoder_, frame, extra_);
  send_frame(std::move(frame));
}

void ParentSession::send_frame(std::vector<std::byte> frame) {
  owner_.state().frame_sent(session_, frame.size());
  link_->send_frame(std::move(frame));
}

// How it ends.

void ParentSession::refuse(const Refusal& refusal) {
  if (is_about_weights(refusal.code)) {
    owner_.state().update_refused(refusal.reason);
  } else {
    owner_.state().peer_refused(refusal.reason, refusal.fault);
    if (standing_ == Standing::kStranger) standing_ = Standing::kRefused;
    host_.peer_refused(connection_);
  }
  if (ends_session(refusal.code)) session_over_ = true;
  say_refused(refusal.code, refusal.reason);
}

void ParentSession::say_refused(RefusalCode code, const std::string& reason) {
  phase_ = Phase::kOver;
  link_->send_text(encode_message(RefuseMessage{code, reason}));
  link_->close("refused: " + reason);
}

void ParentSession::quarantine_child(const std::string& reason) {
  const Milliseconds span = owner_.quarantine(offender(own_name_));
  log(LogLevel::kWarning, "parent: the weights of '{}' ({}) were refused, and it for {:.0f} s: {}",
      shown_name_, link_->address(), seconds(span), reason);
  refuse({RefusalCode::kWeights, reason});
}

std::string ParentSession::offender(const std::string& name) const {
  return name + " " + from().to_string();
}

void ParentSession::hand_over() {
  const std::string reason = "its session goes on on another link";
  record_departure(reason);
  // Should somebody read it: not the one who went on, who must not take the session back.
  say_refused(RefusalCode::kSequence, reason);
}

void ParentSession::record_departure(const std::string& reason) {
  leave_pool();
  standing_ = Standing::kDeparted;
  std::string summary;
  try {
    summary = owner_.state().summary(session_);
  } catch (const std::exception&) {
    // Out of memory: left out of the log.
  }
  owner_.state().left(session_, session_over_);
  contributed_ = 0;
  try_log(LogLevel::kInfo, "{}: '{}' (session {}) is gone: {} ({})", words().parent, shown_name_, session_,
          reason, summary);
}

void ParentSession::on_closed(const std::string& reason) {
  phase_ = Phase::kOver;
  try {
    if (standing_ == Standing::kJoined) {
      record_departure(reason);
      owner_.round_changed();
    } else if (standing_ != Standing::kDeparted && !host_.ending()) {
      if (standing_ == Standing::kStranger) owner_.state().peer_refused(reason, fault());
      // A peer, for instance, waits to be greeted as this end does.
      const bool was_silent = standing_ == Standing::kStranger && is_open_ && origin().dialled;
      owner_.warn(
          from().to_string() + reason,
          fmt::format("{}: {} did not join: {}{}", words().parent, link_->address(), reason,
                      was_silent ? fmt::format("; it has not said who it is: dial only a {} that listens",
                                               words().the_child)
                                 : ""));
    }
  } catch (const std::exception&) {
    // Out of memory: it goes without a word.
  }
  host_.connection_closed(connection_);
}

}  // namespace genkidama
