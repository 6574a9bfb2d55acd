#pragma once

// A learner's link to one shard, made anew whenever it is lost.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "genkidama/net/shard_links.h"
#include "net/host/link_host.h"
#include "net/quiet_log.h"
#include "net/shard/learner_session.h"
#include "net/shard/shard_board.h"

namespace genkidama {

/// What is public is for the thread that learns; what is private runs on the io thread of this link.
class ShardLink final : private LinkHostOwner, private LearnerSessionOwner {
 public:
  /// All outlive it. `index`: of its place on the board, and of its endpoint.
  ShardLink(const ShardLinksOptions& options, const HelloMessage& hello, const ParameterLayout& layout,
            ShardBoard& board, std::size_t index);
  ~ShardLink() override;

  void start() { host_.start(); }
  /// Sends `count` gradients on the link with this number; nothing happens when it is not there any more.
  void send(std::uint64_t link, std::shared_ptr<const std::vector<std::byte>> gradients, std::size_t count);
  /// "127.0.0.1:7001"
  const std::string& where() const { return where_; }

 private:
  std::shared_ptr<HostedSession> make_session(std::uint64_t connection) override;
  void connection_refused(const asio::ip::address&, const std::string&) override {}
  void dial_failed(const std::string& reason) override;

  const HelloMessage& hello() const override { return hello_; }
  const LinkLimits& limits() const override { return options_.limits; }
  Milliseconds patience() const override { return options_.exchange_timeout; }
  std::optional<RefuseMessage> objection(const WelcomeMessage& welcome) override;
  void session_joined(LearnerSession& session, const WelcomeMessage& welcome, std::uint64_t step,
                      std::span<const float> weights) override;
  void session_answered(std::uint64_t step, std::span<const float> weights,
                        std::vector<GradientFate> fates) override;
  bool session_refused(const RefuseMessage& refusal) override;
  void session_closed(LearnerSession& session, const std::string& reason) override;

  std::optional<RefuseMessage> objection_to(const WelcomeMessage& welcome) const;
  void note_failure(const std::string& reason);

  const ShardLinksOptions& options_;
  const HelloMessage& hello_;
  const ParameterLayout& layout_;
  ShardBoard& board_;
  ShardPlace& place_;
  const std::string where_;

  // The io thread's.
  LearnerSession* current_ = nullptr;
  int refusals_in_a_row_ = 0;
  bool has_told_failure_ = false;  // since it was joined
  QuietLog warnings_;

  LinkHost host_;  // the last: its thread uses the others
};

}  // namespace genkidama
