#include "net/peer/peer_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "core/failpoint.h"
#include "genkidama/wire/statistics.h"
#include "net/host/link_host.h"
#include "net/link/peer_watch.h"
#include "net/peer/peer_board.h"
#include "net/span_text.h"

namespace genkidama {
namespace {

PeerFlow counterpart(PeerFlow flow) {
  if (flow == PeerFlow::kBoth) return flow;
  return flow == PeerFlow::kSends ? PeerFlow::kReceives : PeerFlow::kSends;
}

}  // namespace

PeerSession::PeerSession(PeerSessionOwner& owner, LinkHost& host, std::uint64_t connection)
    : HostedSession(host, connection), owner_(owner), timer_(host.context()) {}

void PeerSession::on_open() {
  if (!is_dialled()) return;
  flow_ = owner_.flow_to(*origin().dialled);
  link_->send_text(encode_message(owner_.make_hello(flow_)));
}

void PeerSession::end(const std::string& reason) {
  if (joined()) {
    link_->send_text(encode_message(LeaveMessage{reason}));
    link_->close(reason);
  } else if (phase_ != Phase::kOver) {
    link_->drop(reason);
  }
  phase_ = Phase::kOver;
}

void PeerSession::give_way(const std::string& reason) {
  refuse({RefusalCode::kBusy, reason});
}

std::size_t PeerSession::first_message_max() const {
  return std::max(
      owner_.options().limits.max_control_bytes,
      frame_bytes(owner_.layout().size(), PeerReader::extra_bytes(owner_.statistics_components())));
}

// What comes.

void PeerSession::on_text(std::string_view text) {
  if (phase_ == Phase::kOver) return;
  const auto message = decode_message(text);
  if (!message.ok()) {
    // It may be a host of environments, whose messages are others.
    return refuse({RefusalCode::kProtocol,
                   phase_ == Phase::kHello
                       ? fmt::format("this is a peer, and not greeted as one ({}); connect peers to peers",
                                     message.reason())
                       : message.reason()});
  }
  if (const auto* refusal = std::get_if<RefuseMessage>(&message.value())) return handle(*refusal);
  if (const auto* hello = std::get_if<HelloMessage>(&message.value()); hello && phase_ == Phase::kHello)
    return handle(*hello);
  if (const auto* taken = std::get_if<TakenMessage>(&message.value()); taken && joined()) {
    // An earlier one is that of the link before.
    if (unanswered_ > 0 && taken->sequence == unanswered_ && owner_.options().rule != MixingRule::kPairs) {
      owner_.board().taken(*number_);
      answered();
    }
    return;
  }
  if (const auto* leave = std::get_if<LeaveMessage>(&message.value()); leave && joined()) {
    phase_ = Phase::kOver;
    link_->close("it left: " + leave->reason);
    return;
  }
  refuse({RefusalCode::kProtocol,
          fmt::format("a {} message is not expected here", message_type(message.value()))});
}

void PeerSession::handle(const RefuseMessage& refusal) {
  phase_ = Phase::kOver;
  host_.peer_refused(connection_);
  owner_.session_refused(*this, refusal);
  link_->close(
      fmt::format("the neighbour refused ({}): {}", refusal_code_text(refusal.code), refusal.reason));
}

void PeerSession::handle(const HelloMessage& hello) {
  if (auto refusal = owner_.objection(*this, hello)) return refuse(*refusal);
  const PeerFlow flow = counterpart(*flow_of(hello.peer->flow));
  if (is_dialled() && flow != flow_) {
    return refuse({RefusalCode::kProtocol,
                   fmt::format("on this link this peer {}, and would have to be one that {} for the "
                               "neighbour '{}'",
                               flow_words(flow_), flow_words(flow), hello.name)});
  }
  flow_ = flow;
  hello_ = hello;
  number_ = owner_.session_met(*this, hello);
  if (!number_) {
    return refuse(
        {RefusalCode::kBusy, fmt::format("this peer has {} neighbours, which are the most that it may have",
                                         PeerBoard::kMostNeighbours)});
  }
  if (!is_dialled()) link_->send_text(encode_message(owner_.make_hello(flow_)));
  const PeerOptions& options = owner_.options();
  reader_.emplace(PeerReader::Link{instance(), *codec_of(hello.codec), flow_, options.rule,
                                   owner_.statistics_components(), options.max_norm_growth},
                  owner_.layout());
  encoder_.emplace(options.codec, owner_.layout(), CodedContent::kWeights);
  phase_ = Phase::kFirst;
  // It is a peer. How long its weights take is up to the network.
  link_->established(std::max(options.limits.max_control_bytes, reader_->most_bytes()));
  enqueue(owner_.board().first_share(*number_));
  expect();
}

void PeerSession::on_binary(std::span<const std::byte> frame) {
  if (phase_ == Phase::kOver) return;
  if (phase_ == Phase::kHello)
    return refuse({RefusalCode::kProtocol, "a binary message where a hello is expected"});
  owner_.board().frame_received(frame.size());
  const PeerBoard& board = owner_.board();
  auto read = reader_->read(frame, {board.norm(), board.most_round()});
  if (auto* refusal = std::get_if<RefuseMessage>(&read)) {
    if (refusal->code == RefusalCode::kWeights) {
      host_.peer_refused(connection_);
      refusal->reason += fmt::format("; it must stay away for {}", span_text(owner_.quarantine(*this)));
    }
    return refuse(*refusal);
  }
  auto& taken = std::get<PeerReader::Read>(read);
  take(std::move(taken.share), std::move(taken.statistics));
}

void PeerSession::join(const Share& first) {
  phase_ = Phase::kJoined;
  owner_.session_joined(*this, hello_);
  host_.peer_works(connection_);
  auto again = owner_.board().joined(*number_, flow_, link_->address(), first, hello_.peer->first_weights);
  if (again) enqueue(std::move(*again));
}

void PeerSession::take(Share share, RunningStatistics statistics) {
  if (share.kind == PeerFrameKind::kFirst) return join(share);
  GENKIDAMA_FAILPOINT("peer_received");
  const PeerFrameKind kind = share.kind;
  const std::uint64_t sequence = share.sequence;
  if (kind == PeerFrameKind::kRequest && !queue_.empty()) {
    const bool is_answering = std::any_of(
        queue_.begin(), queue_.end(), [](const Share& each) { return each.kind == PeerFrameKind::kAnswer; });
    if (is_answering)
      return refuse(
          {RefusalCode::kSequence, fmt::format("request {} before the answer to the last one", sequence)});
  }
  auto reply = owner_.board().take(*number_, std::move(share), statistics);
  GENKIDAMA_FAILPOINT("peer_taken");
  if (reply) {
    enqueue(std::move(*reply));
  } else if (kind == PeerFrameKind::kShare) {
    link_->send_text(encode_message(TakenMessage{sequence}));
  } else if (kind == PeerFrameKind::kAnswer && sequence == unanswered_) {
    answered();
  }
  host_.peer_works(connection_);
}

// What it sends.

void PeerSession::send(Share share) {
  if (!joined()) return;
  if (unanswered_ > 0) {
    waiting_ = std::move(share);
    return;
  }
  unanswered_ = share.sequence;
  expect();
  enqueue(std::move(share));
}

void PeerSession::answered() {
  unanswered_ = 0;
  if (!waiting_) return;
  Share share = std::move(*waiting_);
  waiting_.reset();
  send(std::move(share));
}

void PeerSession::enqueue(Share share) {
  queue_.push_back(std::move(share));
  send_next();
}

void PeerSession::send_next() {
  if (queue_.empty() || phase_ == Phase::kOver || link_->sending_frame()) return;
  const Share share = std::move(queue_.front());
  queue_.pop_front();
  write(share);
}

void PeerSession::write(const Share& share) {
  FrameHeader header;
  header.type = FrameType::kPeerWeights;
  header.session = owner_.instance();
  header.sequence = share.sequence;
  header.update = share.round;
  extra_.clear();
  append_peer_fields({share.kind, share.neighbours, share.mass}, extra_);
  encode_statistics(owner_.own_statistics(), statistics_bytes_);
  extra_.insert(extra_.end(), statistics_bytes_.begin(), statistics_bytes_.end());
  const bool is_first = share.kind == PeerFrameKind::kFirst;
  auto frame = link_->take_frame_buffer();
  if (is_first) encoder_->begin(*share.weights);
  if (is_first || encoder_->kind() == CodecKind::kFloat32) {
    const auto rest = encode_frame_head(header, *share.weights, frame, extra_);
    owner_.board().frame_sent(frame.size() + rest.size());
    link_->send_frame(std::move(frame), rest, share.weights);
  } else {
    encode_frame(header, *share.weights, *encoder_, frame, extra_);
    owner_.board().frame_sent(frame.size());
    link_->send_frame(std::move(frame));
  }
}

void PeerSession::refuse(const RefuseMessage& refusal) {
  owner_.session_refuses(*this, refusal);
  phase_ = Phase::kOver;
  link_->send_text(encode_message(refusal));
  link_->close(fmt::format("the peer at {} was refused: {}", link_->address(), refusal.reason));
}

// Deadlines.

void PeerSession::expect() {
  expected_since_ = Clock::now();
  // As a rule the timer of an earlier share still runs, and looks again when it ends.
  if (!is_watching_) watch(expected_since_ + owner_.options().exchange_timeout);
}

void PeerSession::watch(Clock::time_point due) {
  timer_.expires_at(due);
  timer_.async_wait([self = std::static_pointer_cast<PeerSession>(shared_from_this()), due](ErrorCode error) {
    if (error) return;
    self->is_watching_ = false;
    if (!self->expects()) return;
    const auto now = Clock::now();
    const auto moved = std::max(self->expected_since_, self->link_->last_progress());
    const Milliseconds limit = self->owner_.options().exchange_timeout;
    // If this process was stopped, what came meanwhile is read first.
    if (now - due >= kStopped) return self->watch(now + kStopped);
    if (now < moved + limit) return self->watch(moved + limit);
    self->link_->drop(fmt::format("nothing of an answer came from the neighbour for {}", span_text(limit)));
  });
  is_watching_ = true;
}

void PeerSession::on_closed(const std::string& reason) {
  phase_ = Phase::kOver;
  timer_.cancel();
  queue_.clear();
  waiting_.reset();
  owner_.session_closed(*this, reason);
  host_.connection_closed(connection_);
}

}  // namespace genkidama
