#include "net/asio.h"

#include <boost/asio/post.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

#include "net/link/tls.h"
#include "net/link/tls_context.h"
#include "net/link/websocket_link.h"

namespace genkidama {
namespace {

struct TlsTransport {
  using Stream = beast::ssl_stream<WatchedStream>;

  static Stream make(tcp::socket socket, const LinkSettings& settings, bool dialled) {
    auto& context = dialled ? settings.tls->dialling : settings.tls->listening;
    return Stream(WatchedStream(std::move(socket)), *context);
  }
  template <typename Done>
  static void open(Stream& stream, const std::optional<Endpoint>& dialled, Done done) {
    if (dialled && !expect_certificate_for(stream.native_handle(), dialled->host)) {
      // Without it any certificate would do.
      asio::post(stream.get_executor(), [done = std::move(done)]() mutable {
        done(boost::system::errc::make_error_code(boost::system::errc::not_enough_memory));
      });
      return;
    }
    stream.async_handshake(dialled ? asio::ssl::stream_base::client : asio::ssl::stream_base::server,
                           std::move(done));
  }
  static bool failed(ErrorCode error) { return error.category() == asio::error::get_ssl_category(); }
  static std::string describe(Stream& stream, ErrorCode error, const char* peer,
                              const std::optional<Endpoint>& dialled) {
    return describe_tls_failure(stream.native_handle(), error, peer, dialled ? dialled->host : std::string());
  }
  static std::optional<HttpRefusal> plain_answer(ErrorCode error) {
    if (!is_plain_http(error)) return std::nullopt;
    return plain_request_refusal();
  }
};

}  // namespace

std::shared_ptr<Link> make_tls_link(tcp::socket socket, std::shared_ptr<const LinkSettings> settings,
                                    std::size_t message_max, std::weak_ptr<LinkEvents> events,
                                    const LinkOrigin& origin) {
  return std::make_shared<WebSocketLink<TlsTransport>>(std::move(socket), std::move(settings), message_max,
                                                       std::move(events), origin);
}

}  // namespace genkidama
