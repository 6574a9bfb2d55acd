#pragma once

/// @file
/// What one viewer of a live page is told, and how often.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "genkidama/core/clock.h"
#include "genkidama/net/live_page_server.h"
#include "genkidama/run/watched_agent.h"
#include "run/page/page_state.h"

namespace genkidama::run {

/// Tells what has changed in the run, at most four times a second, or at once when it is over; and each
/// picture of the agent in between.
class ViewerFeed : public PageFeed {
 public:
  /// `agent`: nullptr when there is none. Both outlive this.
  ViewerFeed(const PageState& state, WatchedAgent* agent) : state_(state), agent_(agent) {
    if (agent_ != nullptr) agent_->come();
  }
  ~ViewerFeed() override {
    if (agent_ != nullptr) agent_->go();
  }
  ViewerFeed(const ViewerFeed&) = delete;
  ViewerFeed& operator=(const ViewerFeed&) = delete;

  std::shared_ptr<const std::string> next() override {
    constexpr double kEvery_s = 0.25;
    if (!told_ || seconds_since(*told_) >= kEvery_s || state_.is_over()) {
      told_ = Clock::now();
      if (std::string news = state_.news(seen_); !news.empty())
        return std::make_shared<const std::string>(std::move(news));
    }
    if (agent_ == nullptr) return nullptr;
    auto picture = agent_->latest();
    if (picture == picture_) return nullptr;
    picture_ = std::move(picture);
    return std::make_shared<const std::string>("{\"agent\":" + *picture_ + '}');
  }

 private:
  const PageState& state_;
  WatchedAgent* const agent_;
  PageState::Seen seen_;
  std::optional<Clock::time_point> told_;
  std::shared_ptr<const std::string> picture_;
};

}  // namespace genkidama::run
