// A WebSocket server that sends every message back, on the library's own session class, for conformance
// suites.
//
//   genkidama_echo_server PORT [--host HOST] [--origin ORIGIN]
//
// Any path; port 0 takes a free one. Says on standard output where it listens, and serves until SIGTERM.

#include "net/asio.h"

#include <fmt/format.h>

#include <boost/asio/signal_set.hpp>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>

#include "net/host/listener.h"
#include "support/echo_session.h"

namespace {

int usage() {
  std::fputs("usage: genkidama_echo_server PORT [--host HOST] [--origin ORIGIN]\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace genkidama;
  if (argc < 2 || argc % 2 != 0) return usage();
  Endpoint endpoint{"127.0.0.1", 0};
  const auto [end, bad] = std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), endpoint.port);
  if (bad != std::errc() || *end != '\0') return usage();
  const auto settings = test::echo_settings("");
  for (int i = 2; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (flag == "--host") {
      endpoint.host = argv[i + 1];
    } else if (flag == "--origin") {
      settings->security.allowed_origins.emplace_back(argv[i + 1]);
    } else {
      return usage();
    }
  }
  try {
    asio::io_context context(1);
    const auto listeners = listen_at(context, endpoint);
    for (const auto& listener : listeners) {
      listener->start([] { return true; },
                      [&](tcp::socket socket) {
                        test::EchoSession::start(std::move(socket), settings, accepted(/*tls=*/false), {},
                                                 {});
                      });
    }
    asio::signal_set signals(context, SIGTERM, SIGINT);
    signals.async_wait([&](ErrorCode, int) { context.stop(); });
    fmt::print("listening on port {}\n", listeners.front()->port());
    std::fflush(stdout);
    context.run();
    for (const auto& listener : listeners) listener->stop();
  } catch (const std::exception& error) {
    fmt::print(stderr, "echo server: {}\n", error.what());
    return 1;
  }
  return 0;
}
