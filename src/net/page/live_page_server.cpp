#include "genkidama/net/live_page_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <utility>

#include "genkidama/core/error.h"
#include "net/page/page_host.h"
#include "net/page/viewer.h"

namespace genkidama {
namespace {

constexpr const char* kStreamPath = "/live";
constexpr Milliseconds kLook{40};
constexpr std::size_t kMostViewers = 32;
constexpr std::size_t kMostWithoutToken = 16;

LivePageOptions checked(LivePageOptions options) {
  check_page(options.name, options.listen, options.limits, options.token, options.insecure);
  if (options.max_viewers < 1 || options.max_viewers > kMostViewers) {
    throw ArgumentError(
        fmt::format("max_viewers is {}; expected 1 to {}", options.max_viewers, kMostViewers));
  }
  if (options.listen.is_loopback()) options.token.clear();
  return options;
}

/// What a browser may do with the page: run its own files, dial its own host, and nothing else.
void restrict(PageResponse& response) {
  response.set("Content-Security-Policy",
               "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
               "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("X-Frame-Options", "DENY");
  response.set("Referrer-Policy", "no-referrer");
  response.set("Cross-Origin-Opener-Policy", "same-origin");
  response.set("Cross-Origin-Resource-Policy", "same-origin");
}

}  // namespace

class LivePageServer::Impl {
 public:
  Impl(LivePageOptions options, std::vector<PageFile> files, std::function<std::unique_ptr<PageFeed>()> feed)
      : options_(checked(std::move(options))),
        files_(std::move(files)),
        host_(options_.name, options_.listen, service()),
        timer_(host_.io().context()) {
    if (files_.empty()) throw ArgumentError("a live page has no files; give at least that of the path /");
    if (!feed) throw ArgumentError("a live page needs a feed; give a function that makes it");
    context_.limits = options_.limits;
    context_.token = options_.token;
    context_.feed = std::move(feed);
    context_.refused = [this](const std::string& reason) {
      log_.warn(fmt::format("{}: {}", options_.name, reason));
    };
    context_.objection = [this] { return is_full() ? full_text() : std::string(); };
    context_.joined = [this](int change) { joined_ += change; };
  }
  ~Impl() { stop(); }

  void start() {
    host_.start("/", [this] { look_again(); });
  }
  std::uint16_t port() const { return host_.port(); }
  std::size_t viewers() const { return static_cast<std::size_t>(std::max(0, joined_.load())); }
  void stop() {
    host_.stop([this] { say_farewell(); });
    joined_ = 0;
  }

 private:
  PageService service() {
    PageService service;
    service.limits = options_.limits;
    service.refuse = [this](const PageRequest& request) { return refusal_of(request); };
    service.respond = [this](const PageRequest& request) {
      const PageFile& file = *file_of(request);
      PageResponse response = page_response(file.content_type, std::string(file.content));
      restrict(response);
      return response;
    };
    service.upgrade = [this](PageStream stream, PageRequest request, CountedConnection counted) {
      auto viewer = std::make_shared<Viewer>(std::move(stream), std::move(counted), context_);
      viewers_.push_back(viewer);
      viewer->start(std::move(request));
      look_again();
    };
    return service;
  }

  std::vector<PageFile>::const_iterator file_of(const PageRequest& request) const {
    return std::find_if(files_.begin(), files_.end(), [&](const PageFile& file) {
      return request.target() == boost::beast::string_view(file.path.data(), file.path.size());
    });
  }

  std::optional<HttpRefusal> refusal_of(const PageRequest& request) {
    const bool is_known = file_of(request) != files_.end();
    if (auto refusal =
            refuse_live_page_request(request, is_known, kStreamPath, options_.listen.is_loopback()))
      return refusal;
    forget_gone();
    if (is_known) return {};
    const bool waits = viewers_.size() >= viewers() + kMostWithoutToken;
    if (waits || is_full())
      return too_many(waits ? "too many viewers have not given a token yet" : full_text());
    return {};
  }

  bool is_full() const { return viewers() >= options_.max_viewers; }
  std::string full_text() const {
    return fmt::format("{} viewers are there already (max_viewers)", options_.max_viewers);
  }

  void forget_gone() {
    std::erase_if(viewers_, [](const std::weak_ptr<Viewer>& each) { return each.expired(); });
  }

  /// Goes on while there are viewers.
  void look_again() {
    if (std::exchange(looks_, true)) return;
    timer_.expires_after(kLook);
    timer_.async_wait([this](ErrorCode error) {
      looks_ = false;
      if (error) return;
      forget_gone();
      if (viewers_.empty()) {
        if (leaves_ && !std::exchange(is_gone_, true)) gone_.set_value();
        return;
      }
      // First: what a viewer's feed does must not end it for others.
      look_again();
      for (const auto& each : std::vector<std::weak_ptr<Viewer>>(viewers_)) {
        if (const auto viewer = each.lock()) viewer->look();
      }
    });
  }

  void say_farewell() {
    auto gone = gone_.get_future();
    host_.io().post([this] {
      leaves_ = true;
      for (const auto& each : std::vector<std::weak_ptr<Viewer>>(viewers_)) {
        if (const auto viewer = each.lock()) viewer->leave();
      }
      look_again();
    });
    gone.wait_for(options_.limits.close_timeout);
  }

  const LivePageOptions options_;
  const std::vector<PageFile> files_;
  QuietLog log_;
  std::atomic<int> joined_{0};
  Viewer::Context context_;
  std::vector<std::weak_ptr<Viewer>> viewers_;
  bool looks_ = false, leaves_ = false, is_gone_ = false;
  std::promise<void> gone_;
  PageHost host_;  // its thread uses the others
  asio::steady_timer timer_;
};

LivePageServer::LivePageServer(LivePageOptions options, std::vector<PageFile> files,
                               std::function<std::unique_ptr<PageFeed>()> feed)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(files), std::move(feed))) {}
LivePageServer::~LivePageServer() = default;

void LivePageServer::start() {
  impl_->start();
}

std::uint16_t LivePageServer::port() const {
  return impl_->port();
}

std::size_t LivePageServer::viewers() const {
  return impl_->viewers();
}

void LivePageServer::stop() {
  impl_->stop();
}

}  // namespace genkidama
