#include "genkidama/run/metrics_page.h"

#include <mutex>
#include <optional>
#include <utility>

#include "core/unix_seconds.h"
#include "genkidama/core/clock.h"
#include "genkidama/core/version.h"
#include "genkidama/net/shard.h"
#include "run/link_figures.h"
#include "run/metrics/prometheus_text.h"

namespace genkidama::run {
namespace {

// Nobody looks more often, and links of a thousand peers take a while to copy.
constexpr double kLinksEvery_s = 0.25;

PageOptions page_options(PageOptions options) {
  options.content_type = std::string(kPrometheusContentType);
  return options;
}

/// The figures of a round that tell whether it learns.
struct Learning {
  double policy_loss = 0, value_loss = 0, entropy = 0, approximate_kl = 0, learning_rate = 0,
         gradient_norm = 0;
};

struct Figures {
  std::string command, environment;
  RunTotals totals;
  RunProgress progress;
  double updated = 0;  ///< seconds since 1970; 0 before the first update
  std::optional<Learning> learning;
  std::optional<EvaluationStatistics> evaluation;
  bool is_over = false;
  std::optional<LinkFigures> links;
};

void write_totals(const Figures& figures, PrometheusText& text) {
  const RunTotals& totals = figures.totals;
  text.gauges("run_info", "What runs; the value is 1.");
  text.sample(1, {{"command", figures.command}, {"environment", figures.environment}, {"version", kVersion}});
  text.counter("updates_total",
               "Rounds that were learnt from, merges at a Parent, steps of a shard's optimizer.",
               static_cast<double>(totals.updates));
  text.counter("environment_steps_total", "Environment steps of the run, of all Children at a Parent.",
               static_cast<double>(totals.in_run.steps));
  text.counter("episodes_total", "Episodes that ended.", static_cast<double>(totals.in_run.episodes));
  text.counter("run_seconds_total", "Time that processes have worked on the run, as of its last update.",
               totals.wall_seconds);
  text.counter("worker_restarts_total", "Workers that died or hung and were replaced.",
               static_cast<double>(totals.worker_restarts));
  text.counter("lost_episodes_total", "Episodes that were given up because their environment failed.",
               static_cast<double>(totals.lost_episodes));
  text.counter("dropped_steps_total", "Environment steps that were played and not learnt from.",
               static_cast<double>(totals.dropped_steps));
  text.gauge("last_update_timestamp_seconds", "When the last update was made; 0 before the first one.",
             figures.updated);
  text.gauge("run_over", "1 once the run has ended.", figures.is_over ? 1 : 0);
}

void write_progress(const Figures& figures, PrometheusText& text) {
  const RunProgress& progress = figures.progress;
  if (progress.mean_return)
    text.gauge("episode_return", "Mean return of the latest 100 training episodes.", *progress.mean_return);
  if (progress.done) text.gauge("run_progress_ratio", "Share of the run that is done.", *progress.done);
  if (progress.policy_lag)
    text.gauge("policy_lag_updates", "Mean age of the weights that the latest round was played with.",
               *progress.policy_lag);
  if (figures.evaluation) {
    text.gauge("evaluation_return", "Mean return of the latest evaluation.", figures.evaluation->mean);
    text.gauge("evaluation_length_steps", "Mean length of an episode of the latest evaluation.",
               figures.evaluation->mean_length);
  }
  if (!figures.learning) return;
  const Learning& learning = *figures.learning;
  text.gauge("policy_loss", "The policy's part of the loss in the latest round.", learning.policy_loss);
  text.gauge("value_loss", "Mean squared error of the value estimate in the latest round.",
             learning.value_loss);
  text.gauge("policy_entropy_nats", "Mean entropy of the policy in the latest round.", learning.entropy);
  text.gauge("approximate_kl_nats", "How far the policy moved in the latest round.", learning.approximate_kl);
  text.gauge("learning_rate", "Mean learning rate of the latest round.", learning.learning_rate);
  text.gauge("gradient_norm", "Mean length of the gradient in the latest round.", learning.gradient_norm);
}

}  // namespace

class MetricsPage::Impl {
 public:
  Impl(PageOptions options, std::string command)
      : server_(page_options(std::move(options)), [this] { return text(); }) {
    figures_.command = std::move(command);
  }

  /// Changes the figures, which the page is made of when somebody asks for it.
  template <typename Change>
  void change(const Change& change) {
    const std::lock_guard lock(mutex_);
    change(figures_);
  }

  bool are_links_due() {
    if (links_at_ && seconds_since(*links_at_) < kLinksEvery_s) return false;
    links_at_ = Clock::now();
    return true;
  }

  PageServer& server() { return server_; }

 private:
  std::string text() const {
    Figures figures;
    {
      const std::lock_guard lock(mutex_);
      figures = figures_;
    }
    PrometheusText text;
    write_totals(figures, text);
    write_progress(figures, text);
    if (figures.links) write_links(*figures.links, text);
    return text.text();
  }

  mutable std::mutex mutex_;
  Figures figures_;
  std::optional<Clock::time_point> links_at_;  // the run's thread's
  PageServer server_;                          // the last: its thread uses the others
};

MetricsPage::MetricsPage(PageOptions options, std::string command)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(command))) {}
MetricsPage::~MetricsPage() = default;

void MetricsPage::start() {
  impl_->server().start();
}

std::uint16_t MetricsPage::port() const {
  return impl_->server().port();
}

void MetricsPage::on_start(const RunInfo& info) {
  impl_->change([&](Figures& figures) {
    figures.environment = info.environment;
    figures.progress = info.progress;
    figures.totals.updates = info.progress.updates;
    figures.totals.in_run = info.progress.in_run;
  });
}

void MetricsPage::on_update(const UpdateEvent& event) {
  const double now = unix_seconds();
  impl_->change([&](Figures& figures) {
    figures.totals = event.totals;
    figures.progress = event.progress;
    figures.updated = now;
    if (event.round == nullptr) return;
    const RoundReport& round = *event.round;
    figures.learning = Learning{round.policy_loss,    round.value_loss,    round.entropy,
                                round.approximate_kl, round.learning_rate, round.gradient_norm};
  });
}

void MetricsPage::on_wait(const RunProgress& progress) {
  impl_->change([&](Figures& figures) { figures.progress = progress; });
}

void MetricsPage::on_links(const LinksEvent& event) {
  if (!impl_->are_links_due()) return;
  LinkFigures links = link_figures(event);
  // A shard has no updates that it tells.
  const double now = unix_seconds();
  impl_->change([&](Figures& figures) {
    figures.links = std::move(links);
    if (event.shard == nullptr || event.shard->steps == figures.totals.updates) return;
    figures.totals.updates = event.shard->steps;
    figures.updated = now;
  });
}

void MetricsPage::on_evaluation(const EvaluationEvent& event) {
  impl_->change([&](Figures& figures) { figures.evaluation = event.statistics; });
}

void MetricsPage::on_end(const RunSummary& summary) {
  impl_->change([&](Figures& figures) {
    figures.totals = summary.totals;
    figures.is_over = true;
  });
}

}  // namespace genkidama::run
