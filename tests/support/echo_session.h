#pragma once

// The echo programs' use of the library's own WebSocket session.

#include "net/asio.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/link/link.h"
#include "net/link/link_settings.h"

namespace genkidama::test {

inline constexpr std::size_t kMaxEchoBytes = std::size_t{64} << 20;

/// For large messages and for peers that take their time.
inline std::shared_ptr<LinkSettings> echo_settings(std::string path) {
  auto settings = std::make_shared<LinkSettings>();
  settings->limits.idle_timeout = Milliseconds(120'000);
  settings->path = std::move(path);
  settings->in_step = true;
  return settings;
}

/// Sends every message back: text as text, binary as binary. Lives until its link is closed.
class EchoSession final : public LinkEvents, public std::enable_shared_from_this<EchoSession> {
 public:
  using Text = std::function<void(std::string_view)>;
  using Closed = std::function<void(const std::string& reason)>;

  /// `on_text` gets the texts in place of the peer, when there is one.
  static void start(tcp::socket socket, std::shared_ptr<const LinkSettings> settings,
                    const LinkOrigin& origin, Text on_text, Closed closed) {
    const auto session = std::shared_ptr<EchoSession>(new EchoSession(std::move(on_text), std::move(closed)));
    session->self_ = session;
    session->link_ = Link::make(std::move(socket), std::move(settings), kMaxEchoBytes, session, origin);
    session->link_->open();
  }

  void on_open() override { link_->established(kMaxEchoBytes); }

  void on_text(std::string_view text) override {
    if (on_text_) {
      on_text_(text);
    } else {
      link_->send_text(std::string(text));
    }
  }

  void on_binary(std::span<const std::byte> frame) override {
    auto copy = link_->take_frame_buffer();
    copy.assign(frame.begin(), frame.end());
    link_->send_frame(std::move(copy));
  }

  void on_closed(const std::string& reason) override {
    const auto until_the_end = std::move(self_);
    link_.reset();
    if (closed_) closed_(reason);
  }

 private:
  EchoSession(Text on_text, Closed closed) : on_text_(std::move(on_text)), closed_(std::move(closed)) {}

  Text on_text_;
  Closed closed_;
  std::shared_ptr<Link> link_;
  std::shared_ptr<EchoSession> self_;
};

}  // namespace genkidama::test
