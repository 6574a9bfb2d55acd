#pragma once

// The protocol between two peers, the same at both ends but for who greets first.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/net/peer.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/weight_codec.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/message.h"
#include "net/host/hosted_session.h"
#include "net/peer/mixer.h"
#include "net/peer/peer_reader.h"

namespace genkidama {

class PeerBoard;
class PeerSession;

/// What a session asks of the Peer that owns it, on the io thread. Outlives it.
class PeerSessionOwner {
 public:
  virtual ~PeerSessionOwner() = default;
  virtual const PeerOptions& options() const = 0;
  virtual const ParameterLayout& layout() const = 0;
  virtual std::size_t statistics_components() const = 0;
  /// What the trainer has counted, as of the last round.
  virtual const RunningStatistics& own_statistics() const = 0;
  virtual PeerBoard& board() = 0;
  /// This peer's hello; `flow`: what it does on the link.
  virtual HelloMessage make_hello(PeerFlow flow) const = 0;
  virtual std::uint64_t instance() const = 0;
  /// What this peer does on a link to an endpoint that it dials.
  virtual PeerFlow flow_to(const Endpoint& endpoint) const = 0;
  /// Why this hello is not taken.
  virtual std::optional<RefuseMessage> objection(PeerSession& session, const HelloMessage& hello) = 0;
  /// The hello was taken, and the neighbour has this number from now on.
  virtual std::optional<std::size_t> session_met(PeerSession& session, const HelloMessage& hello) = 0;
  virtual void session_joined(PeerSession& session, const HelloMessage& hello) = 0;
  /// The neighbour refuses this peer.
  virtual void session_refused(const PeerSession& session, const RefuseMessage& refusal) = 0;
  /// This peer refuses the other end.
  virtual void session_refuses(const PeerSession& session, const RefuseMessage& refusal) = 0;
  /// The neighbour's weights are not fit to be averaged in. For how long it must stay away.
  virtual Milliseconds quarantine(const PeerSession& session) = 0;
  virtual void session_closed(PeerSession& session, const std::string& reason) = 0;
};

/// hello from who dialled, hello back, a first frame each way; then shares, each of which is answered.
class PeerSession final : public HostedSession {
 public:
  PeerSession(PeerSessionOwner& owner, LinkHost& host, std::uint64_t connection);

  /// Sends a share or a request when the one before it was answered; a share that waits is replaced. Ignored
  /// when the link is not joined.
  void send(Share share);
  /// Tells the neighbour, when joined, that this peer leaves for good; closes.
  void end(const std::string& reason) override;
  /// Closes a link of which there is another one.
  void give_way(const std::string& reason);
  bool joined() const override { return phase_ == Phase::kJoined; }
  bool is_over() const { return phase_ == Phase::kOver; }
  bool is_dialled() const { return origin().dialled.has_value(); }
  /// Once met.
  const std::string& name() const { return hello_.name; }
  std::uint64_t instance() const { return hello_.peer ? hello_.peer->instance : 0; }
  std::optional<std::size_t> number() const { return number_; }
  const std::string& address() const { return link_->address(); }

  void on_open() override;
  void on_text(std::string_view text) override;
  void on_binary(std::span<const std::byte> frame) override;
  void on_frame_sent() override { send_next(); }
  void on_closed(const std::string& reason) override;

 private:
  enum class Phase { kHello, kFirst, kJoined, kOver };

  std::size_t first_message_max() const override;
  void handle(const HelloMessage& hello);
  void handle(const RefuseMessage& refusal);
  void refuse(const RefuseMessage& refusal);
  void take(Share share, RunningStatistics statistics);
  void join(const Share& first);
  void enqueue(Share share);
  void send_next();
  void write(const Share& share);
  void answered();
  void expect();
  void watch(Clock::time_point due);
  bool expects() const { return phase_ == Phase::kFirst || (joined() && unanswered_ > 0); }

  PeerSessionOwner& owner_;
  Phase phase_ = Phase::kHello;
  PeerFlow flow_ = PeerFlow::kBoth;
  HelloMessage hello_;
  std::optional<std::size_t> number_;
  std::uint64_t unanswered_ = 0;  ///< sequence of what was sent and is not answered yet; 0: none is
  std::optional<Share> waiting_;  ///< until then
  std::deque<Share> queue_;       ///< for the link, one after the other: a share or request, and an answer
  std::optional<WeightEncoder> encoder_;
  std::optional<PeerReader> reader_;
  std::vector<std::byte> extra_, statistics_bytes_;
  Clock::time_point expected_since_;
  asio::steady_timer timer_;
  bool is_watching_ = false;
};

}  // namespace genkidama
