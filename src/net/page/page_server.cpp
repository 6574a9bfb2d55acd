#include "genkidama/net/page_server.h"

#include <utility>

#include "genkidama/core/error.h"
#include "net/page/page_host.h"

namespace genkidama {
namespace {

PageOptions checked(PageOptions options) {
  check_page(options.name, options.listen, options.limits, options.token, options.insecure);
  if (options.listen.is_loopback()) options.token.clear();
  return options;
}

}  // namespace

class PageServer::Impl {
 public:
  Impl(PageOptions options, std::function<std::string()> content)
      : options_(checked(std::move(options))),
        content_(std::move(content)),
        host_(options_.name, options_.listen, service()) {
    if (!content_) throw ArgumentError("a page needs its content; give a function that returns it");
  }

  void start() { host_.start(options_.path); }
  std::uint16_t port() const { return host_.port(); }
  void stop() { host_.stop(); }

 private:
  PageService service() const {
    PageService service;
    service.limits = options_.limits;
    service.refuse = [this](const PageRequest& request) {
      return refuse_page_request(request, options_.path, options_.token, options_.listen.is_loopback());
    };
    service.respond = [this](const PageRequest&) { return page_response(options_.content_type, content_()); };
    return service;
  }

  const PageOptions options_;
  const std::function<std::string()> content_;
  PageHost host_;  // the last: its thread uses the others
};

PageServer::PageServer(PageOptions options, std::function<std::string()> content)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(content))) {}
PageServer::~PageServer() = default;

void PageServer::start() {
  impl_->start();
}

std::uint16_t PageServer::port() const {
  return impl_->port();
}

void PageServer::stop() {
  impl_->stop();
}

}  // namespace genkidama
