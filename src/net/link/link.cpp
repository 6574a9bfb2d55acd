#include "net/link/link.h"

#include <utility>

#include "net/link/tls.h"
#include "net/link/websocket_link.h"

namespace genkidama {
namespace {

struct PlainTransport {
  using Stream = WatchedStream;

  static Stream make(tcp::socket socket, const LinkSettings&, bool) { return Stream(std::move(socket)); }
  template <typename Done>
  static void open(Stream&, const std::optional<Endpoint>&, Done done) {
    done(ErrorCode());
  }
  static bool failed(ErrorCode) { return false; }
  static std::string describe(Stream&, ErrorCode error, const char*, const std::optional<Endpoint>&) {
    return error.message();
  }
  static std::optional<HttpRefusal> plain_answer(ErrorCode) { return std::nullopt; }
};

}  // namespace

std::shared_ptr<Link> Link::make(tcp::socket socket, std::shared_ptr<const LinkSettings> settings,
                                 std::size_t message_max, std::weak_ptr<LinkEvents> events,
                                 const LinkOrigin& origin) {
  if (origin.tls) {
    return make_tls_link(std::move(socket), std::move(settings), message_max, std::move(events), origin);
  }
  return std::make_shared<WebSocketLink<PlainTransport>>(std::move(socket), std::move(settings), message_max,
                                                         std::move(events), origin);
}

}  // namespace genkidama
