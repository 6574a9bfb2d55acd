#pragma once

// A server's side of the protocol with one host of environments.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/net/environments.h"
#include "genkidama/wire/environment_frames.h"
#include "genkidama/wire/environment_hello.h"
#include "genkidama/wire/message.h"
#include "net/environments/environment_slots.h"
#include "net/environments/row_queue.h"
#include "net/host/hosted_session.h"

namespace genkidama {

class HostSession;

/// What a session asks of the server that owns it, on the io thread. Outlives it.
class HostSessionOwner {
 public:
  virtual ~HostSessionOwner() = default;
  virtual const HostedEnvironmentsOptions& options() const = 0;
  virtual const EnvironmentSpec& spec() const = 0;
  virtual const EnvironmentDescription& description() const = 0;
  virtual const EnvironmentSizes& sizes() const = 0;
  virtual void session_joined(HostSession& session) = 0;
  /// A frame of so many bytes with these answers, which have been checked; each is told next.
  virtual void session_received(HostSession& session, std::span<const EnvironmentAnswer> answers,
                                std::size_t bytes) = 0;
  /// The answer of the environment at this place.
  virtual void session_answered(HostSession& session, std::size_t place, std::uint64_t ticket,
                                const EnvironmentAnswer& answer) = 0;
  virtual void session_closed(HostSession& session, const std::string& reason) = 0;
  virtual void peer_refused(const std::string& reason) = 0;
  virtual void frame_refused(const std::string& reason) = 0;
  virtual void frame_sent(std::size_t bytes) = 0;
  /// A warning that a stranger can cause. It is the same one again where `about` is the same.
  virtual void warn(const std::string& about, const std::string& text) = 0;
};

/// hello, then the welcome, then frames of requests and frames of answers. What is asked of an environment is
/// answered before anything else is asked of it.
class HostSession final : public HostedSession {
 public:
  HostSession(HostSessionOwner& owner, LinkHost& host, std::uint64_t connection);

  const std::string& name() const { return hello_.name; }
  /// Environments that the host offers.
  std::size_t places() const { return places_.size(); }
  /// Whether the environment at this place owes an answer; then its request's ticket, and whether it is a
  /// reset.
  struct Owed {
    std::uint64_t ticket = 0;  ///< of the slot's request; 0: nothing is owed
    bool is_reset = false;
  };
  const Owed& owed(std::size_t place) const { return places_[place].owed; }
  /// Asks it; it owes nothing.
  void ask(std::size_t place, const EnvironmentSlots::Request& request, std::span<const float> action);
  /// Sends what was asked, as soon as the frame before is gone.
  void flush();

  /// Tells the host that the run is over.
  void end(const std::string& reason) override;
  bool joined() const override { return phase_ == Phase::kJoined; }

  void on_open() override {}
  void on_text(std::string_view text) override;
  void on_binary(std::span<const std::byte> frame) override;
  void on_frame_sent() override { flush(); }
  void on_closed(const std::string& reason) override;

 private:
  enum class Phase { kHello, kJoined, kOver };
  struct Place {
    Owed owed;
    std::uint8_t ticket = 0;      ///< as the frames count
    std::uint64_t looked_at = 0;  ///< the frame in which an answer of it was found last
  };

  std::size_t first_message_max() const override { return owner_.options().limits.max_control_bytes; }
  void join(const EnvironmentHello& hello);
  void on_message(const Message& message);
  /// Why a row is not the answer to what was asked.
  std::optional<RefuseMessage> objection(const EnvironmentAnswer& row);
  void refuse(const RefuseMessage& refusal);
  void expect();
  void watch(Clock::time_point due);

  HostSessionOwner& owner_;
  Phase phase_ = Phase::kHello;
  bool was_joined_ = false, was_refused_ = false;
  EnvironmentHello hello_;
  std::vector<Place> places_;
  RowQueue rows_;
  std::uint64_t frames_ = 0;
  std::size_t owing_ = 0;  ///< places that owe an answer
  std::vector<float> values_;
  Clock::time_point expected_since_;
  asio::steady_timer timer_;
  bool is_watching_ = false;
};

}  // namespace genkidama
