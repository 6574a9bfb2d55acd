#include "genkidama/net/shard.h"

#include <fmt/format.h>

#include <memory>
#include <mutex>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/params/weighted_average.h"
#include "net/check_options.h"
#include "net/host/link_host.h"
#include "net/host/listening_host.h"
#include "net/quiet_log.h"
#include "net/shard/shard_session.h"
#include "net/shard/shard_state.h"

namespace genkidama {
namespace {

ShardOptions checked(ShardOptions options, const ParameterLayout& layout, const ShardContents& contents,
                     const ShardStep& step) {
  check_limits(options.limits);
  check_security(options.security, options.listen);
  check_peer_name(options.name, "the shard's name");
  check_peer_name(options.run_id, "run_id");
  if (options.listen.empty()) throw ArgumentError("a shard needs an endpoint; give at least one in listen");
  if (!step) throw ArgumentError("a shard needs an optimizer; give it in step");
  const WeightSlice& slice = options.slice;
  if (slice != weight_slice(layout.size(), slice.number, slice.count)) {
    throw ArgumentError(fmt::format(
        "slice {} of {} has the weights from {} to before {}; give what weight_slice() makes of {} weights",
        slice.number, slice.count, slice.begin, slice.end, layout.size()));
  }
  if (contents.weights.size() != slice.size()) {
    throw ArgumentError(
        fmt::format("the shard got {} weights; its slice has {}", contents.weights.size(), slice.size()));
  }
  for (const std::vector<float>* values : {&contents.weights, &contents.optimizer_state}) {
    if (const std::size_t bad = first_non_finite(*values); bad != values->size()) {
      throw ArgumentError(fmt::format(
          "the shard's weights and optimizer state must be finite; element {} is {}", bad, (*values)[bad]));
    }
  }
  return options;
}

}  // namespace

class Shard::Impl final : private LinkHostOwner, private ShardSessionOwner {
 public:
  Impl(ShardOptions options, ParameterLayout layout, ShardContents contents, ShardStep step)
      : options_(checked(std::move(options), layout, contents, step)),
        layout_(std::move(layout)),
        state_(options_.max_gradient_age, std::move(contents), std::move(step)),
        host_(listening_host(options_, "learner"), *this) {}

  ~Impl() override { host_.shut_down("the shard stopped"); }

  void start() {
    const std::lock_guard lock(mutex_);
    if (started_) throw ArgumentError("Shard::start() was already called; make a new Shard");
    host_.start();
    started_ = true;
  }
  std::vector<std::uint16_t> ports() const { return host_.ports(); }
  void stop(const std::string& reason) { host_.stop(reason); }
  const ShardState& state() const { return state_; }

 private:
  std::shared_ptr<HostedSession> make_session(std::uint64_t connection) override {
    ShardSessionOwner& owner = *this;
    return std::make_shared<ShardSession>(owner, host_, connection);
  }
  void connection_refused(const asio::ip::address& from, const std::string& reason) override {
    state_.peer_refused(reason);
    warnings_.warn(
        fmt::format("{}: a connection from {} was closed: {}", options_.name, from.to_string(), reason));
  }
  void dial_failed(const std::string&) override {}

  const ShardOptions& options() const override { return options_; }
  const ParameterLayout& layout() const override { return layout_; }
  ShardState& state() override { return state_; }
  void warn(const std::string& about, const std::string& text) override { warnings_.warn(about, text); }

  const ShardOptions options_;
  const ParameterLayout layout_;
  ShardState state_;
  std::mutex mutex_;  // of start()
  bool started_ = false;
  QuietLog warnings_;  // the io thread's
  LinkHost host_;      // the last: its thread uses the others
};

Shard::Shard(ShardOptions options, ParameterLayout layout, ShardContents contents, ShardStep step)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(layout), std::move(contents),
                                   std::move(step))) {}
Shard::~Shard() = default;

void Shard::start() {
  impl_->start();
}
std::vector<std::uint16_t> Shard::ports() const {
  return impl_->ports();
}
void Shard::stop(const std::string& reason) {
  impl_->stop(reason);
}
ShardStatus Shard::status() const {
  return std::as_const(*impl_).state().status();
}
ShardContents Shard::contents() const {
  return std::as_const(*impl_).state().contents();
}

}  // namespace genkidama
