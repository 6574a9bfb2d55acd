#pragma once

// The Parent's side of the protocol with one Child.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/net/parent.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/message.h"
#include "net/link/link.h"
#include "net/link/link_settings.h"
#include "net/parent/parent_state.h"
#include "net/parent/quarantine.h"
#include "net/parent/session_numbers.h"
#include "net/quiet_log.h"

namespace genkidama {

/// What all sessions of a Parent share; outlives them.
struct ParentContext {
  const ParentOptions& options;
  const ParameterLayout& layout;
  ParentState& state;
  Quarantine& quarantine;
  QuietLog& refusal_log;
  const std::shared_ptr<const LinkSettings>& link;
  const std::function<void(const ParentUpdate&)>& observer;
  SessionNumbers& numbers;
  /// Ends the link on which this Child's session is believed to go on, if there is one.
  std::function<void(std::uint64_t session, const std::string& child)> free_session;
  /// Ends the run for a fault of the Parent's own side; no session merges anything after this.
  std::function<void(const std::string& failure)> fail;
};

/// hello, then welcome and W_P, then one merge and one answer per frame.
class ParentSession final : public LinkEvents, public std::enable_shared_from_this<ParentSession> {
 public:
  using Closed = std::function<void(std::uint64_t connection)>;

  /// `connection` is for the Parent's books. `merged` is told after each merge, `closed` when the link is
  /// gone.
  ParentSession(const ParentContext& context, std::uint64_t connection, std::function<void()> merged,
                Closed closed);

  /// `dialled`: whom this side dialled, or nothing when it accepted the connection.
  void start(tcp::socket socket, const std::optional<Endpoint>& dialled);
  /// Tells a joined Child that the run is over, and closes.
  void end(const std::string& reason);
  /// After something failed: without a word, if there is a link at all.
  void abandon();
  void drop_if_lost();
  /// The session goes on on another link. From here on this one has none.
  void hand_over();

  bool joined() const { return phase_ == Phase::kJoined; }
  /// Before it joined, by either side.
  bool refused() const { return counted_as_refused_; }
  /// The Child's address.
  const asio::ip::address& from() const { return from_; }
  /// Once joined.
  std::uint64_t session() const { return session_; }
  const std::string& child() const { return child_; }

  void on_open() override {}
  void on_text(std::string_view text) override;
  void on_binary(std::span<const std::byte> frame) override;
  void on_closed(const std::string& reason) override;

 private:
  enum class Phase { kHello, kJoined, kOver };

  void join(const HelloMessage& hello);
  /// Goes on with the session that the hello names, if that can be: the sequence of its last merged frame.
  std::optional<std::uint64_t> resume(const HelloMessage& hello);
  std::optional<std::uint64_t> find_resumed(const HelloMessage& hello, std::string& objection);
  std::string foreign_session(std::uint64_t session) const;
  void part(const std::string& reason);
  /// As the quarantine knows a Child.
  std::string offender(const std::string& name) const;
  void refuse_weights(const std::string& reason);
  void merge(const FrameView& frame);
  void observe(const FrameHeader& frame, std::uint64_t staleness);
  void send_weights(std::uint64_t sequence);
  void refuse_peer(RefusalCode code, const std::string& reason, PeerFault fault = PeerFault::kNone);
  void refuse_update(RefusalCode code, const std::string& reason);
  void refuse(RefusalCode code, const std::string& reason);

  const ParentContext& context_;
  const std::uint64_t connection_;
  std::function<void()> merged_;
  Closed closed_;
  std::shared_ptr<Link> link_;
  asio::ip::address from_;
  Phase phase_ = Phase::kHello;
  bool counted_as_refused_ = false;
  bool counted_as_joined_ = false;
  bool stopping_ = false;
  bool parted_ = false;         ///< joined once, and is in no count of joined ones any more
  bool over_for_good_ = false;  ///< the session, not only its link
  std::string child_;
  std::uint64_t session_ = 0, next_sequence_ = 1;
  std::vector<float> copy_;  ///< of weights that cannot be read where they arrived; empty on most machines
};

}  // namespace genkidama
