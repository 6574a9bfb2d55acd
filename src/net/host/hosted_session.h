#pragma once

#include "net/asio.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "net/link/link.h"

namespace genkidama {

class LinkHost;

/// One link and what is spoken on it, as LinkHost knows it. Everything on the io thread. Whoever derives from
/// it tells the host in on_closed(), last of all, that the connection is closed.
class HostedSession : public LinkEvents, public std::enable_shared_from_this<HostedSession> {
 public:
  HostedSession(LinkHost& host, std::uint64_t connection) : host_(host), connection_(connection) {}

  void start(tcp::socket socket, std::shared_ptr<const LinkSettings> settings, const LinkOrigin& origin);
  /// Tells the peer that it is over for good, and closes.
  virtual void end(const std::string& reason) = 0;
  /// After something failed: without a word, if there is a link at all.
  void abandon();
  void drop_if_lost();

  virtual bool joined() const = 0;
  /// The peer's address.
  const asio::ip::address& from() const { return from_; }
  /// How the connection came about, once it was started.
  const LinkOrigin& origin() const { return origin_; }
  PeerFault fault() const { return link_->fault(); }

 protected:
  /// The largest message before the peer has joined.
  virtual std::size_t first_message_max() const = 0;

  LinkHost& host_;
  const std::uint64_t connection_;  ///< the host's number for it
  std::shared_ptr<Link> link_;

 private:
  asio::ip::address from_;
  LinkOrigin origin_;
};

}  // namespace genkidama
