#pragma once

// The Child's side of the protocol on one link.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/message.h"
#include "net/child/child_mailbox.h"
#include "net/link/link.h"
#include "net/link/link_settings.h"

namespace genkidama {

class ChildSession;

/// What a session asks of the Child that owns it; io thread. Outlives it.
class ChildSessionOwner {
 public:
  virtual ~ChildSessionOwner() = default;
  /// Whether a Parent is already joined on another link: then this one is refused.
  virtual bool taken() const = 0;
  virtual HelloMessage make_hello() const = 0;
  /// The Parent took the hello.
  virtual void session_welcomed() = 0;
  virtual JoinedSession session_joined(ChildSession& session, const WelcomeMessage& welcome) = 0;
  /// How long nothing of what the Parent owes may move.
  virtual Clock::duration patience() const = 0;
  /// Below which patience() never is; costs nothing to ask.
  virtual Clock::duration least_patience() const = 0;
  /// `span`: since the weights were sent.
  virtual void session_answered(Clock::duration span) = 0;
  virtual void session_unanswered() = 0;
  /// The Parent and this Child do not agree about the session; the next link begins a new one.
  virtual void session_broken() = 0;
  /// With what trying again would not change: another network, another protocol. `welcomed`: after the hello
  /// was taken.
  virtual void session_refused(const RefuseMessage& refusal, bool welcomed) = 0;
  virtual void session_closed(ChildSession& session, const std::string& reason) = 0;
};

/// hello, then the welcome and W_P, then one answer per frame sent.
class ChildSession final : public LinkEvents, public std::enable_shared_from_this<ChildSession> {
 public:
  ChildSession(ChildSessionOwner& owner, std::shared_ptr<const LinkSettings> settings,
               const ParameterLayout& layout, ChildMailbox& mailbox);

  /// `dialled`: whom this side dialled, or nothing when it accepted the connection.
  void start(tcp::socket socket, const std::optional<Endpoint>& dialled);
  /// Nothing before the first weights arrived.
  const std::optional<ChildTicket>& ticket() const { return ticket_; }
  /// Sends weights; the answer goes to the mailbox. Ignored when the link is not joined.
  void send(const FrameHeader& header, std::shared_ptr<const std::vector<float>> weights);
  /// Tells the Parent, when joined, that this Child leaves for good; closes.
  void leave(const std::string& reason);

  /// After something failed: without a word, if there is a link at all.
  void abandon();
  void drop_if_lost();

  bool joined() const { return phase_ == Phase::kJoined; }
  /// The Parent's address.
  const asio::ip::address& from() const { return from_; }
  PeerFault fault() const { return link_->fault(); }

  void on_open() override;
  void on_text(std::string_view text) override;
  void on_binary(std::span<const std::byte> frame) override;
  void on_closed(const std::string& reason) override;

 private:
  enum class Phase { kWelcome, kFirstWeights, kJoined, kOver };

  void handle(const RefuseMessage& refusal);
  void handle(const WelcomeMessage& welcome);
  /// The Parent owes something from now on: the first weights, or an answer.
  void expect();
  std::size_t message_max() const;
  void watch(Clock::time_point due);
  void look_for_progress(Clock::time_point due);
  bool expects() const {
    return phase_ == Phase::kFirstWeights || (phase_ == Phase::kJoined && awaited_ > 0);
  }
  void refuse(RefusalCode code, const std::string& reason);
  std::optional<std::string> objection(const FrameHeader& header) const;

  ChildSessionOwner& owner_;
  const std::shared_ptr<const LinkSettings> settings_;
  const ParameterLayout& layout_;
  ChildMailbox& mailbox_;
  std::shared_ptr<Link> link_;
  asio::ip::address from_;
  Phase phase_ = Phase::kWelcome;
  std::optional<SessionMark> resume_;  ///< as the hello said
  bool welcomed_ = false;
  WelcomeMessage welcome_;
  std::optional<ChildTicket> ticket_;
  std::optional<asio::steady_timer> timer_;
  bool watching_ = false;  ///< timer_ runs
  Clock::time_point expected_since_;
  std::uint64_t awaited_ = 0;  ///< sequence of the answer that is due; 0: none is
  std::vector<float> received_;
};

}  // namespace genkidama
