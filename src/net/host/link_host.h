#pragma once

// One thread for all links of a Parent or a Child: who dials and listens, the sessions and their end.

#include "net/asio.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/net/limits.h"
#include "genkidama/net/security.h"
#include "net/host/admission.h"
#include "net/host/dialer.h"
#include "net/host/hosted_session.h"
#include "net/host/io_thread.h"
#include "net/host/listener.h"

namespace genkidama {

/// Where a host listens and dials, and how.
struct HostOptions {
  std::string who;            ///< for the log: "parent", "child 'pi-7'"
  const char* peer = "peer";  ///< who is at the other ends, for people: "Parent" or "Child"
  std::vector<Endpoint> listen, connect;
  LinkLimits limits;
  LinkSecurity security;
  Milliseconds backoff_min{}, backoff_max{};
  /// While so many connections have not joined, no more are accepted: they wait in the system's queue.
  std::size_t max_pending = std::numeric_limits<std::size_t>::max();
};

/// What a host asks of the one whose links it runs; on the io thread. Outlives the host's thread.
class LinkHostOwner {
 public:
  virtual ~LinkHostOwner() = default;
  /// A session for a new connection, not yet started.
  virtual std::shared_ptr<HostedSession> make_session(std::uint64_t connection) = 0;
  /// A connection was closed at once, for Admission's reason.
  virtual void connection_refused(const asio::ip::address& from, const std::string& reason) = 0;
  virtual void dial_failed(const std::string& reason) = 0;
  /// At the start, and after a handler failed: sets going whatever the owner has that no longer goes.
  virtual void set_going() {}
};

/// Its functions may be called from any thread but for those below "on the io thread", which assert it.
class LinkHost {
 public:
  /// Throws ArgumentError for certificates that cannot be used.
  LinkHost(HostOptions options, LinkHostOwner& owner);
  /// As shut_down().
  ~LinkHost();
  LinkHost(const LinkHost&) = delete;
  LinkHost& operator=(const LinkHost&) = delete;

  /// Binds every endpoint to listen at, unless that was done. Throws IoError naming the one that cannot be.
  void bind();
  /// The bound ports, in the order of HostOptions::listen; empty before bind(). Waits for a stop() that is
  /// under way, so it is not for the io thread.
  std::vector<std::uint16_t> ports() const;
  /// Binds, then starts the thread, which listens and dials. Once.
  void start();
  /// Ends all sessions as end_all() does and waits for the thread; on the thread itself it does not wait.
  void stop(const std::string& reason);
  /// As stop(), for destructors: when memory has ended, the thread ends without a word to anybody. An owner
  /// calls it before the members that its callbacks use are gone.
  void shut_down(const char* reason) noexcept;

  /// Runs `action` on the io thread, later. Dropped when the thread has ended.
  template <typename Action>
  void post(Action&& action) {
    io_.post(std::forward<Action>(action));
  }
  /// Whether the thread has ended, so that nothing that is posted will run.
  bool has_ended() const { return io_.has_ended(); }
  asio::io_context& context() { return io_.context(); }
  bool is_io_thread() const { return io_.is_current(); }

  // On the io thread.

  /// Ends every session for good, and the thread after the last of them.
  void end_all(const std::string& reason);
  bool ending() const { return ending_; }
  /// Dials nobody any more; sessions go on.
  void stop_dialling();

  /// The peer of this connection works: if it was dialled, the next pause is the shortest again.
  void peer_works(std::uint64_t connection);
  /// The peer of this connection has answered, with a refusal.
  void peer_refused(std::uint64_t connection);
  /// A session tells this last of all; it is forgotten.
  void connection_closed(std::uint64_t connection);

  /// `action` may remove the session it is called with.
  template <typename Action>
  void for_each_session(const Action& action) {
    for (auto next = sessions_.begin(); next != sessions_.end();) {
      const auto session = (next++)->second.session;
      action(*session);
    }
  }

 private:
  struct Place {
    Endpoint endpoint;
    std::vector<std::shared_ptr<Listener>> listeners;  // one for each address
  };
  struct Connection {
    std::shared_ptr<HostedSession> session;
    Dialer* dialer = nullptr;  // or nothing, when it was accepted
  };

  void recover();
  void listen_and_dial();
  void accept_connection(tcp::socket socket, bool tls);
  void open(tcp::socket socket, const LinkOrigin& origin, Dialer* dialer);
  std::size_t pending() const;
  Dialer* dialer_of(std::uint64_t connection) const;

  const HostOptions options_;
  const std::shared_ptr<const LinkSettings> link_;
  LinkHostOwner& owner_;
  mutable std::mutex lifecycle_;  // bind, start and stop against one another

  IoThread io_;
  // Only the io thread uses these once it runs. After io_: they must go before it.
  std::vector<Place> places_;
  std::vector<std::shared_ptr<Dialer>> dialers_;
  std::map<std::uint64_t, Connection> sessions_;  // by the number of the connection
  Admission admission_;
  std::uint64_t connections_ = 0;
  bool ending_ = false;
};

}  // namespace genkidama
