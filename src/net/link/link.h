#pragma once

// One WebSocket connection, the same for both ends and for both directions of dialling.

#include "net/asio.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/core/clock.h"
#include "net/link/link_origin.h"
#include "net/link/link_settings.h"
#include "net/link/peer_fault.h"

namespace genkidama {

/// Close reason used when memory is exhausted; preallocated so that reporting it cannot fail.
inline const std::string kNoMemory = "out of memory, most likely";

/// What happens on a link, told on the io thread. An exception from one of these drops the link.
class LinkEvents {
 public:
  virtual ~LinkEvents() = default;
  /// Messages may be sent from now on.
  virtual void on_open() = 0;
  virtual void on_text(std::string_view text) = 0;
  virtual void on_binary(std::span<const std::byte> frame) = 0;
  /// The system has taken all of a frame, and no other one waits.
  virtual void on_frame_sent() {}
  /// The last event, exactly once, also when the link never opened.
  virtual void on_closed(const std::string& reason) = 0;
};

/// Invariants: one read, one write, one ping and one close in flight at most; what waits to be sent is a few
/// texts and the newest frame; whatever the peer does, a link that was told to close is closed after
/// close_timeout, one that is not established after handshake_timeout is dropped, and so is one whose peer is
/// gone (PeerWatch). It keeps itself alive until it is closed.
/// All functions on the io thread.
class Link {
 public:
  /// `message_max`: largest message accepted until established() says otherwise; never 0.
  static std::shared_ptr<Link> make(tcp::socket socket, std::shared_ptr<const LinkSettings> settings,
                                    std::size_t message_max, std::weak_ptr<LinkEvents> events,
                                    const LinkOrigin& origin);
  virtual ~Link() = default;

  /// Opens the WebSocket: asks for the HTTP upgrade when this side dialled, else answers it.
  virtual void open() = 0;
  /// The typed handshake is over: no more handshake deadline, and messages up to `message_max`.
  virtual void established(std::size_t message_max) = 0;

  /// Texts are sent in order, before a frame that waits.
  virtual void send_text(std::string text) = 0;
  /// Memory to encode a frame into: of one that was sent, or of one that still waits, which is given up.
  virtual std::vector<std::byte> take_frame_buffer() = 0;
  /// A frame that still waits is replaced. `rest` is sent after the bytes of `frame` as part of it; it must
  /// not change until the frame was sent, and `owner` keeps it alive so long.
  virtual void send_frame(std::vector<std::byte> frame, std::span<const std::byte> rest = {},
                          std::shared_ptr<const void> owner = {}) = 0;
  /// Whether a frame waits or is being sent.
  virtual bool sending_frame() const = 0;
  /// Within on_binary(): the frame's bytes stay as they are, and nothing more is read, until
  /// release_message(), or as long as this object lives.
  virtual void hold_message() = 0;
  /// Reads on, where a message is held.
  virtual void release_message() = 0;
  /// When something of a message came, or the peer was seen to take something of a frame. Pings and pongs do
  /// not count.
  virtual Clock::time_point last_progress() = 0;

  /// Sends the texts that wait, then closes. on_closed gets `reason`.
  virtual void close(std::string reason) = 0;
  /// Closes the socket now; on_closed follows before this returns.
  virtual void drop(const std::string& reason) = 0;
  /// After a handler failed somewhere: drops the link if it was this one's.
  virtual void drop_if_lost() = 0;

  /// Why it never opened, once on_closed was told.
  virtual PeerFault fault() const = 0;

  /// The peer's address and port.
  virtual const std::string& address() const = 0;
};

}  // namespace genkidama
