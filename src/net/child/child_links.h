#pragma once

// The io thread's side of a Child: its links, and what it knows of its session with the Parent.

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "genkidama/net/child.h"
#include "genkidama/params/weight_codec.h"
#include "genkidama/wire/message.h"
#include "net/child/child_exchange.h"
#include "net/child/child_mailbox.h"
#include "net/child/child_session.h"
#include "net/host/link_host.h"
#include "net/quiet_log.h"
#include "net/role_words.h"
#include "net/round_time_estimate.h"

namespace genkidama {

/// What is public may be called from any thread; what is private runs on the io thread and asserts it.
class ChildLinks final : public ChildWire, private LinkHostOwner, private ChildSessionOwner {
 public:
  /// All outlive it. Throws ArgumentError for a network whose description is too large to be told.
  /// `own`, `policy` and `moments`: the trainer's, for the hello. `tunable`: what it can change while it
  /// trains. `words`: what messages call the two ends.
  ChildLinks(const ChildOptions& options, const ParameterLayout& layout, const NumberedStatistics& own,
             const PolicyDescription& policy, const MomentsShape& moments,
             const std::vector<NamedValue>& tunable, ChildMailbox& mailbox, RoleWords words);
  /// As stop().
  ~ChildLinks() override;

  /// Binds the endpoint to listen at, if there is one; its port, or 0.
  void bind();
  std::uint16_t port() const;
  /// Binds, then starts the io thread. Once.
  void start();
  /// Tells the Parent that this Child leaves for good, and waits for the end of the io thread.
  void stop(const std::string& reason) { host_.stop(reason); }

  void send(OutgoingWeights out) override;
  std::string where() const override { return where_; }

 private:
  std::shared_ptr<HostedSession> make_session(std::uint64_t connection) override;
  void connection_refused(const asio::ip::address& from, const std::string& reason) override;
  void dial_failed(const std::string& reason) override;

  bool taken() const override { return current_ != nullptr; }
  HelloMessage make_hello() const override { return hello_; }
  ExchangeKind exchange() const override { return options_.exchange; }
  RoleWords words() const override { return words_; }
  CodecKind codec() const override { return options_.codec; }
  std::optional<MomentsShape> moments() const override { return hello_.moments; }
  bool can_tune(const std::string& name) const override { return tunable_.contains(name); }
  void session_welcomed() override { refused_hellos_ = 0; }
  JoinedSession session_joined(ChildSession& session, const WelcomeMessage& welcome) override;
  WeightEncoder& change_encoder() override { return *changes_; }
  Clock::duration silence_limit() const override;
  Clock::duration least_silence_limit() const override { return options_.exchange_timeout; }
  void session_answered(Clock::duration span) override;
  void session_unanswered() override { ++unanswered_in_a_row_; }
  void session_broken() override { hello_.resume.reset(); }
  bool session_refused(const RefuseMessage& refusal, bool welcomed) override;
  void session_closed(ChildSession& session, const std::string& reason) override;

  void send_here(const OutgoingWeights& out);
  /// Makes changes_ fit for the link that was joined. `was_unanswered`: the last frame of the link before.
  void prepare_changes(CodecKind codec, const JoinedSession& joined, bool was_unanswered);
  void tell_codec(CodecKind codec, const std::string& parent);
  /// What was sent last is in the Parent's sum.
  void count_steps();

  const ChildOptions& options_;
  const RoleWords words_;
  const ParameterLayout& layout_;
  const std::size_t statistics_;
  const std::set<std::string> tunable_;
  ChildMailbox& mailbox_;
  std::string where_;  // as from start() on

  // The io thread's.
  HelloMessage hello_;
  QuietLog warnings_;
  ChildSession* current_ = nullptr;
  std::uint64_t current_generation_ = 0, steps_sent_ = 0;
  bool unanswered_ = false;               // what was sent last
  std::optional<WeightEncoder> changes_;  // where Children make rounds together
  RoundTimeEstimate exchange_time_;
  int unanswered_in_a_row_ = 0;  // RoundTimeEstimate knows nothing of an exchange that was given up
  // In a row: of the hello, and of what came after one that was taken.
  int refused_hellos_ = 0, refused_messages_ = 0;
  bool has_told_failure_ = false;  // since it was joined

  LinkHost host_;
};

}  // namespace genkidama
