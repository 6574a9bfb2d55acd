#include "genkidama/run/live_page.h"

#include <utility>

#include "genkidama/core/clock.h"
#include "genkidama/net/shard.h"
#include "run/page/machine_table.h"
#include "run/page/page_files.h"
#include "run/page/page_state.h"
#include "run/page/viewer_feed.h"

namespace genkidama::run {

class LivePage::Impl {
 public:
  Impl(LivePageOptions options, LivePageContents contents)
      : agent_(contents.agent),
        state_(std::move(contents)),
        server_(std::move(options), page_files(),
                [this] { return std::make_unique<ViewerFeed>(state_, agent_.get()); }) {}

  void give_policy(const UpdateEvent& event) {
    if (agent_ && event.policy && agent_->wants_policy()) agent_->give(event.policy());
  }

  /// Puts the machines together if anybody looks.
  void tell_machines(const LinksEvent& event) {
    constexpr double kEvery_s = 0.5;
    if (server_.viewers() == 0 || (machines_told_ && seconds_since(*machines_told_) < kEvery_s)) return;
    machines_told_ = Clock::now();
    std::optional<std::uint64_t> updates;
    if (event.shard != nullptr) updates = event.shard->steps;
    state_.set_machines(json_of(machines_.table_of(event, influence_, *machines_told_)), updates);
  }

  PageState& state() { return state_; }
  InfluenceTally& influence() { return influence_; }
  LivePageServer& server() { return server_; }

 private:
  // The run's thread's.
  InfluenceTally influence_;
  MachineWatch machines_;
  std::optional<Clock::time_point> machines_told_;

  const std::shared_ptr<WatchedAgent> agent_;
  PageState state_;
  LivePageServer server_;  // the last: its thread uses the state
};

LivePage::LivePage(LivePageOptions options, LivePageContents contents)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(contents))) {}
LivePage::~LivePage() = default;

void LivePage::start() {
  impl_->server().start();
}

std::uint16_t LivePage::port() const {
  return impl_->server().port();
}

std::size_t LivePage::viewers() const {
  return impl_->server().viewers();
}

void LivePage::on_start(const RunInfo& info) {
  impl_->state().begin(info);
}

void LivePage::on_update(const UpdateEvent& event) {
  if (event.merge != nullptr) impl_->influence().add(*event.merge);
  impl_->state().update(event);
  impl_->give_policy(event);
}

void LivePage::on_wait(const RunProgress& progress) {
  impl_->state().wait(progress);
}

void LivePage::on_links(const LinksEvent& event) {
  impl_->tell_machines(event);
}

void LivePage::on_evaluation(const EvaluationEvent& event) {
  impl_->state().evaluate(event);
}

void LivePage::on_end(const RunSummary& summary) {
  impl_->state().end(summary);
}

}  // namespace genkidama::run
