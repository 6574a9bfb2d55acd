#include "net/child/child_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "genkidama/net/round_options.h"
#include "genkidama/params/actor_mode.h"
#include "genkidama/params/weighted_average.h"
#include "genkidama/wire/member_orders.h"
#include "genkidama/wire/moments.h"
#include "net/host/link_host.h"
#include "net/link/peer_watch.h"
#include "net/span_text.h"

namespace genkidama {

ChildSession::ChildSession(ChildSessionOwner& owner, LinkHost& host, std::uint64_t connection,
                           const LinkLimits& limits, const ParameterLayout& layout, std::size_t statistics,
                           ChildMailbox& mailbox)
    : HostedSession(host, connection),
      owner_(owner),
      limits_(limits),
      layout_(layout),
      statistics_(statistics),
      moments_(owner.moments()),
      mailbox_(mailbox),
      timer_(host.context()) {}

void ChildSession::send(const OutgoingWeights& out) {
  if (phase_ != Phase::kJoined) return;
  const FrameHeader& header = out.header;
  awaited_ = header.sequence;
  expect();
  auto frame = link_->take_frame_buffer();
  encode_statistics(out.own_statistics, statistics_bytes_);
  extra_.clear();
  if (header.type == FrameType::kChildChange) encode_change_steps(out.change_steps, extra_);
  extra_.insert(extra_.end(), statistics_bytes_.begin(), statistics_bytes_.end());
  if (moments_) append_moments(out.moments, extra_);
  if (codec_ == CodecKind::kFloat32) {
    const auto rest = encode_frame_head(header, *out.weights, frame, extra_);
    mailbox_.frame_sent(frame.size() + rest.size());
    link_->send_frame(std::move(frame), rest, out.weights);
  } else {
    encode_frame(header, *out.weights, weight_encoder_ ? *weight_encoder_ : owner_.change_encoder(), frame,
                 extra_);
    mailbox_.frame_sent(frame.size());
    link_->send_frame(std::move(frame));
  }
}

void ChildSession::send_segments(const FrameHeader& header, std::span<const std::byte> segments,
                                 const RunningStatistics& statistics) {
  if (phase_ != Phase::kJoined) return;
  awaited_ = header.sequence;
  expect();
  auto frame = link_->take_frame_buffer();
  encode_statistics(statistics, extra_);
  extra_.insert(extra_.end(), segments.begin(), segments.end());
  encode_frame(header, {}, frame, extra_);
  mailbox_.frame_sent(frame.size());
  link_->send_frame(std::move(frame));
}

void ChildSession::end(const std::string& reason) {
  if (phase_ == Phase::kJoined) {
    link_->send_text(encode_message(LeaveMessage{reason}));
    link_->close(reason);
  } else if (phase_ != Phase::kOver) {
    link_->drop(reason);
  }
  phase_ = Phase::kOver;
}

std::size_t ChildSession::first_message_max() const {
  return std::max(limits_.max_control_bytes, max_frame_bytes(owner_.codec(), layout_, extra_bytes()));
}

std::size_t ChildSession::extra_bytes() const {
  return orders_bytes() + statistics_bytes(statistics_) + (moments_ ? moments_bytes(moments_->size) : 0);
}

std::size_t ChildSession::orders_bytes() const {
  return owner_.exchange() == ExchangeKind::kPopulation ? member_orders_bytes(welcome_.explored.size()) : 0;
}

void ChildSession::expect() {
  expected_since_ = Clock::now();
  // As a rule the timer of an earlier exchange still runs, and looks again when it ends: setting one for each
  // would cost as much as sending it.
  if (!watching_) watch(expected_since_ + owner_.least_silence_limit());
}

void ChildSession::watch(Clock::time_point due) {
  timer_.expires_at(due);
  timer_.async_wait(
      [self = std::static_pointer_cast<ChildSession>(shared_from_this()), due](ErrorCode error) {
        if (error) return;
        self->watching_ = false;
        try {
          if (self->expects()) self->look_for_progress(due);
        } catch (const std::exception&) {
          self->abandon();
          // It may be what was to follow from the end of the link that failed.
          throw;
        }
      });
  watching_ = true;
}

Clock::duration ChildSession::patience() const {
  Clock::duration limit = owner_.silence_limit();
  // The Parent waits for others; a link that is dead its own deadlines find.
  if (phase_ == Phase::kJoined) {
    limit += Milliseconds(std::min<std::uint64_t>(welcome_.longest_wait_ms, kLongestRoundWait.count()));
  }
  return limit;
}

void ChildSession::look_for_progress(Clock::time_point due) {
  const auto limit = patience();
  const auto now = Clock::now();
  // If this process was stopped, what came meanwhile is read first.
  const bool was_stopped = now - due >= kStopped;
  const auto moved = std::max(expected_since_, link_->last_progress());
  if (was_stopped || now < moved + limit) {
    watch(was_stopped ? now + kStopped : moved + limit);
    return;
  }
  owner_.session_unanswered();
  link_->drop(fmt::format("nothing came from the {}, and nothing went there, for {} of an exchange",
                          words().the_parent, span_text(std::chrono::duration_cast<Milliseconds>(limit))));
}

void ChildSession::on_open() {
  if (owner_.taken()) {
    refuse(RefusalCode::kBusy,
           fmt::format("this {} already has a {}", words().the_child, words().the_parent));
  } else {
    const HelloMessage hello = owner_.make_hello();
    resume_ = hello.resume;
    link_->send_text(encode_message(hello));
  }
}

void ChildSession::on_text(std::string_view text) {
  if (phase_ == Phase::kOver) return;
  const auto message = decode_message(text);
  if (!message.ok()) {
    refuse(RefusalCode::kProtocol, message.reason());
  } else if (const auto* refusal = std::get_if<RefuseMessage>(&message.value())) {
    handle(*refusal);
  } else if (const auto* end = std::get_if<EndMessage>(&message.value())) {
    // Also before the first weights: a run may end while a Child joins.
    phase_ = Phase::kOver;
    mailbox_.ended(end->reason);
    link_->close(fmt::format("the {} ended the run: {}", words().the_parent, end->reason));
  } else if (const auto* welcome = std::get_if<WelcomeMessage>(&message.value());
             welcome && phase_ == Phase::kWelcome) {
    handle(*welcome);
  } else {
    refuse(RefusalCode::kProtocol,
           fmt::format("a {} message is not expected here", message_type(message.value())));
  }
}

bool ChildSession::accepts(const WelcomeMessage& welcome) {
  if (welcome.sequence && (!resume_ || resume_->session != welcome.session)) {
    refuse(RefusalCode::kProtocol, fmt::format("session {} is not one to go on with", welcome.session));
    return false;
  }
  if (welcome.statistics != statistics_) {
    refuse(RefusalCode::kLayout,
           fmt::format("this {} shares statistics of {} components (0: it normalises nothing), and the {} "
                       "those of {}; expected the same at both ends",
                       words().the_child, statistics_, words().the_parent, welcome.statistics));
    return false;
  }
  if (const char* const wanted = exchange_name(owner_.exchange()); welcome.exchange != wanted) {
    refuse(RefusalCode::kProtocol,
           fmt::format("this Child's exchange is '{}' and the Parent's '{}'; give both the same", wanted,
                       welcome.exchange));
    return false;
  }
  if (!actor_mode_of(welcome.actors)) {
    refuse(RefusalCode::kProtocol,
           fmt::format("the learner's actors are '{}'; expected '{}' or '{}'", welcome.actors,
                       actor_mode_name(ActorMode::kWaiting), actor_mode_name(ActorMode::kAsynchronous)));
    return false;
  }
  if (welcome.moments.has_value() != moments_.has_value() ||
      (moments_ && *welcome.moments != moments_->size)) {
    refuse(RefusalCode::kProtocol,
           fmt::format(
               "this Child {} the moments of its optimizer and the Parent {}; give both the same",
               moments_ ? fmt::format("wants {} averaged, which are", moments_->size) : "averages none of",
               welcome.moments ? fmt::format("averages {}", *welcome.moments) : "averages none"));
    return false;
  }
  if (owner_.exchange() == ExchangeKind::kPopulation && !accepts_explored(welcome.explored)) return false;
  const auto codec = codec_of(welcome.codec);
  if (!codec || (*codec != CodecKind::kFloat32 && *codec != owner_.codec())) {
    refuse(RefusalCode::kProtocol,
           fmt::format("the {}'s codec is '{}', and this {} asked for '{}'; expected that one or '{}'",
                       words().the_parent, welcome.codec, words().the_child, codec_name(owner_.codec()),
                       codec_name(CodecKind::kFloat32)));
    return false;
  }
  return true;
}

bool ChildSession::accepts_explored(const std::vector<std::string>& explored) {
  const auto unknown = std::find_if(explored.begin(), explored.end(),
                                    [this](const std::string& name) { return !owner_.can_tune(name); });
  if (!explored.empty() && unknown == explored.end()) return true;
  refuse(RefusalCode::kProtocol,
         explored.empty()
             ? std::string("the Parent's population explores nothing; expected a hyperparameter")
             : fmt::format("the Parent's population explores '{}', which this Child cannot change while it "
                           "trains; give the Parent other names",
                           *unknown));
  return false;
}

void ChildSession::handle(const WelcomeMessage& welcome) {
  if (!accepts(welcome)) return;
  codec_ = *codec_of(welcome.codec);
  decoder_.emplace(codec_, layout_, CodedContent::kWeights);
  welcome_ = welcome;
  phase_ = Phase::kFirstWeights;
  // It is a Parent. How long its weights take is up to the network.
  link_->established(first_message_max());
  welcomed_ = true;
  owner_.session_welcomed();
  mailbox_.joining();
  expect();
}

void ChildSession::handle(const RefuseMessage& refusal) {
  phase_ = Phase::kOver;
  switch (refusal.code) {
    case RefusalCode::kSequence:
      owner_.session_broken();
      break;
    case RefusalCode::kWeights:
      // Weights travel with a checksum: it is this Child that made them so.
      mailbox_.refused(refusal);
      break;
    case RefusalCode::kProtocol:
    case RefusalCode::kLayout:
      if (!owner_.session_refused(refusal, welcomed_)) host_.peer_refused(connection_);
      break;
    case RefusalCode::kBusy:
    case RefusalCode::kFrame:
      break;
  }
  link_->close(fmt::format("the {} refused ({}): {}", words().the_parent, refusal_code_text(refusal.code),
                           refusal.reason));
}

std::optional<std::string> ChildSession::objection(const FrameHeader& header) const {
  if (header.type != FrameType::kParentWeights) return "a Child's weights, sent to a Child";
  if (header.session != welcome_.session) {
    return fmt::format("a frame of session {} in session {}", header.session, welcome_.session);
  }
  if (phase_ == Phase::kJoined && awaited_ == 0) return "weights that nobody asked for";
  // Whoever is told of an answer may change what was sent.
  if (link_->sending_frame()) return "an answer to weights that were not yet sent";
  if (header.sequence != awaited_) {
    return fmt::format("the answer to sequence {} where {} is due", header.sequence, awaited_);
  }
  return std::nullopt;
}

void ChildSession::on_binary(std::span<const std::byte> frame) {
  if (phase_ == Phase::kOver) return;
  if (phase_ == Phase::kWelcome) {
    refuse(RefusalCode::kProtocol, "a binary message where a welcome is expected");
    return;
  }
  mailbox_.frame_received(frame.size());
  const auto parts = split_frame(frame, extra_bytes());
  if (!parts.ok()) {
    refuse(RefusalCode::kFrame, parts.reason());
    return;
  }
  if (const auto refusal = read_extra(parts.value().extra)) {
    refuse(refusal->code, refusal->reason);
    return;
  }
  const FrameHeader& header = parts.value().header;
  if (const auto wrong = objection(header)) {
    refuse(RefusalCode::kSequence, *wrong);
    return;
  }
  if (const auto refusal = read_weights(parts.value())) {
    refuse(refusal->code, refusal->reason);
    return;
  }
  received_.round_steps = header.environment_steps;
  received_.run_steps = header.episodes;
  if (phase_ == Phase::kJoined) {
    mailbox_.answered(ticket_->generation, std::exchange(awaited_, 0), received_, header.update);
    owner_.session_answered(Clock::now() - expected_since_);
    host_.peer_works(connection_);
    return;
  }
  if (owner_.taken()) {
    refuse(RefusalCode::kBusy,
           fmt::format("this {} already has a {}", words().the_child, words().the_parent));
    return;
  }
  join(header.update);
}

std::optional<RefuseMessage> ChildSession::read_extra(std::span<const std::byte> extra) {
  if (orders_bytes() > 0) {
    auto orders = decode_member_orders(extra.first(orders_bytes()), welcome_.explored.size());
    if (!orders.ok()) return RefuseMessage{RefusalCode::kFrame, orders.reason()};
    received_.orders = std::move(orders.value());
    received_.explored = welcome_.explored;
    extra = extra.subspan(orders_bytes());
  }
  auto others = decode_statistics(extra.first(statistics_bytes(statistics_)), statistics_);
  if (!others.ok()) return RefuseMessage{RefusalCode::kFrame, others.reason()};
  received_.other_statistics = std::move(others.value());
  if (!moments_) return std::nullopt;
  auto moments = decode_moments(extra.subspan(statistics_bytes(statistics_)), moments_->size);
  if (!moments.ok()) return RefuseMessage{RefusalCode::kFrame, moments.reason()};
  if (const std::string fault = moments_fault(*moments_, moments.value().values); !fault.empty())
    return RefuseMessage{RefusalCode::kWeights, fault};
  received_.moments = std::move(moments.value());
  return std::nullopt;
}

std::optional<RefuseMessage> ChildSession::read_weights(const FrameParts& frame) {
  // Both ends begin from the first weights on a link, so these are whole.
  if (phase_ == Phase::kFirstWeights && frame.codec != CodecKind::kFloat32) {
    return RefuseMessage{RefusalCode::kFrame,
                         fmt::format("the first weights are in the codec '{}'; expected '{}'",
                                     codec_name(frame.codec), codec_name(CodecKind::kFloat32))};
  }
  std::span<const float> weights;
  if (const auto wrong = decoder_->decode(frame.codec, frame.weights, weights); !wrong.empty()) {
    return RefuseMessage{RefusalCode::kFrame, "binary frame: " + wrong};
  }
  if (const std::size_t bad = first_non_finite(weights); bad != weights.size()) {
    return RefuseMessage{
        RefusalCode::kWeights,
        fmt::format("element {} of the {}'s weights is not a finite number", bad, words().the_parent)};
  }
  received_.weights.assign(weights.begin(), weights.end());
  return std::nullopt;
}

void ChildSession::join(std::uint64_t update) {
  phase_ = Phase::kJoined;
  const JoinedSession session = owner_.session_joined(*this, welcome_);
  decoder_->begin(received_.weights);
  if (codec_ != CodecKind::kFloat32 && owner_.exchange() != ExchangeKind::kRounds) {
    weight_encoder_.emplace(codec_, layout_, CodedContent::kWeights);
    weight_encoder_->begin(received_.weights);
  }
  ticket_ = mailbox_.joined(session, received_, update);
}

void ChildSession::refuse(RefusalCode code, const std::string& reason) {
  phase_ = Phase::kOver;
  link_->send_text(encode_message(RefuseMessage{code, reason}));
  link_->close(fmt::format("the peer at {} was refused: {}", link_->address(), reason));
}

void ChildSession::on_closed(const std::string& reason) {
  if (welcomed_ && !ticket_) mailbox_.joining_failed();
  phase_ = Phase::kOver;
  timer_.cancel();
  if (ticket_) mailbox_.lost(ticket_->generation);
  owner_.session_closed(*this, reason);
  host_.connection_closed(connection_);
}

}  // namespace genkidama
