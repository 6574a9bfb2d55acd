#include "net/page/viewer.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <exception>
#include <string_view>
#include <utility>

#include "genkidama/net/security.h"
#include "net/link/same_secret.h"

namespace genkidama {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

// The one message that is no JSON. The page answers with the token, if its user has given it one.
constexpr std::string_view kTokenWanted = "token";
// Of those that an application may choose; the page asks for the token anew.
constexpr auto kTokenRefused = static_cast<websocket::close_code>(4401);

}  // namespace

Viewer::Viewer(PageStream stream, CountedConnection counted, const Context& context)
    : counted_(std::move(counted)), context_(context), stream_(std::move(stream)) {}

Viewer::~Viewer() {
  if (feed_) context_.joined(-1);
}

void Viewer::start(PageRequest request) {
  request_ = std::move(request);
  stream_.next_layer().expires_never();  // the WebSocket has deadlines of its own
  stream_.set_option(websocket::stream_base::timeout{
      context_.limits.handshake_timeout, context_.limits.idle_timeout, /*keep_alive_pings=*/true});
  stream_.set_option(websocket::stream_base::decorator([](websocket::response_type& response) {
    response.set(http::field::server, std::string("genkidama/") + kVersion);
  }));
  stream_.read_message_max(kMaxTokenBytes);
  stream_.async_accept(request_, [self = shared_from_this()](ErrorCode error) { self->opened(error); });
}

void Viewer::opened(ErrorCode error) {
  if (error) return;
  is_open_ = true;
  stream_.text(true);
  if (context_.token.empty()) {
    join();
  } else {
    write(std::make_shared<const std::string>(kTokenWanted));
  }
  read();
}

void Viewer::join() {
  if (const std::string objection = context_.objection(); !objection.empty()) {
    cut_off(websocket::close_code::try_again_later, objection);
    return;
  }
  feed_ = context_.feed();
  context_.joined(1);
  look();
}

void Viewer::read() {
  stream_.async_read(buffer_,
                     [self = shared_from_this()](ErrorCode error, std::size_t) { self->take(error); });
}

void Viewer::take(ErrorCode error) {
  if (error == websocket::error::message_too_big) {
    context_.refused(counted_.text() + ": a viewer's message is too long");
  }
  if (error) return;
  const auto data = buffer_.cdata();
  const std::string_view text(static_cast<const char*>(data.data()), data.size());
  if (feed_ || closes_) {
    cut_off(websocket::close_code::policy_error, "a viewer said something, and this page only tells");
  } else if (!is_same_secret(text, context_.token)) {
    cut_off(kTokenRefused, "a viewer gave another token");
  } else {
    buffer_.clear();
    join();
    read();
  }
}

void Viewer::look() {
  if (!is_open_ || closes_ || on_its_way_) return;
  if (!feed_) {
    if (Clock::now() - began_ > context_.limits.handshake_timeout)
      close(kTokenRefused, "no token came in time");
    return;
  }
  std::shared_ptr<const std::string> message;
  try {
    message = feed_->next();
  } catch (const std::exception& error) {
    cut_off(websocket::close_code::internal_error,
            std::string("what is new cannot be told: ") + error.what());
    return;
  }
  if (message) {
    write(std::move(message));
  } else if (leaves_) {
    close(websocket::close_code::going_away, "");
  }
}

void Viewer::leave() {
  leaves_ = true;
  if (is_open_ && !feed_) close(websocket::close_code::going_away, "");
  look();
}

void Viewer::write(std::shared_ptr<const std::string> message) {
  on_its_way_ = std::move(message);
  stream_.async_write(asio::buffer(*on_its_way_), [self = shared_from_this()](ErrorCode error, std::size_t) {
    self->on_its_way_.reset();
    if (!error && self->leaves_) self->look();
  });
}

void Viewer::close(websocket::close_code code, const std::string& reason) {
  if (std::exchange(closes_, true)) return;
  websocket::close_reason why(code);
  why.reason.assign(reason.data(), std::min<std::size_t>(reason.size(), 120));
  stream_.async_close(why, [self = shared_from_this()](ErrorCode) {});
}

void Viewer::cut_off(websocket::close_code code, const std::string& reason) {
  context_.refused(counted_.text() + ": " + reason);
  close(code, reason);
}

}  // namespace genkidama
