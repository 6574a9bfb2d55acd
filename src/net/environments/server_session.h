#pragma once

// A host's side of the protocol with its server.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "genkidama/net/limits.h"
#include "genkidama/wire/environment_frames.h"
#include "genkidama/wire/environment_hello.h"
#include "genkidama/wire/message.h"
#include "net/environments/row_queue.h"
#include "net/host/hosted_session.h"

namespace genkidama {

class ServerSession;

/// What a session asks of the host that owns it, on the io thread. Outlives it.
class ServerSessionOwner {
 public:
  virtual ~ServerSessionOwner() = default;
  virtual const EnvironmentHello& hello() const = 0;
  virtual const EnvironmentSizes& sizes() const = 0;
  virtual const LinkLimits& limits() const = 0;
  virtual void session_joined(ServerSession& session, const WelcomeMessage& welcome) = 0;
  /// `values` has the rows' actions.
  virtual void session_asked(std::vector<EnvironmentRequest> rows, std::vector<float> values) = 0;
  /// The run is over.
  virtual void session_ended(const std::string& reason) = 0;
  /// Whether the refusal is believed, and no link is made any more.
  virtual bool session_refused(const RefuseMessage& refusal) = 0;
  virtual void session_closed(ServerSession& session, const std::string& reason) = 0;
};

/// hello, then the welcome, then an answer to whatever is asked.
class ServerSession final : public HostedSession {
 public:
  ServerSession(ServerSessionOwner& owner, LinkHost& host, std::uint64_t connection);

  /// Sends answers, as soon as the frames before are gone.
  void send(std::vector<std::vector<std::byte>> frames);
  /// These environments may be asked again.
  void answered(std::span<const std::uint16_t> environments);
  /// Tells the server, when joined, that this host leaves; closes.
  void end(const std::string& reason) override;
  bool joined() const override { return phase_ == Phase::kJoined; }

  void on_open() override;
  void on_text(std::string_view text) override;
  void on_binary(std::span<const std::byte> frame) override;
  void on_frame_sent() override { flush(); }
  void on_closed(const std::string& reason) override;

 private:
  enum class Phase { kWelcome, kJoined, kOver };

  std::size_t first_message_max() const override { return owner_.limits().max_control_bytes; }
  void handle(const WelcomeMessage& welcome);
  void handle(const RefuseMessage& refusal);
  void refuse(const RefuseMessage& refusal);
  void flush();

  ServerSessionOwner& owner_;
  Phase phase_ = Phase::kWelcome;
  std::vector<bool> is_asked_;  ///< by environment
  std::deque<std::vector<std::byte>> waiting_;
};

}  // namespace genkidama
