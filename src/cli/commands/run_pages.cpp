#include "cli/commands/run_pages.h"

#include <string_view>
#include <utility>
#include <vector>

#include "cli/options/settings_check.h"
#include "cli/terminal/live_line.h"

namespace genkidama::cli {
namespace {

/// PageOptions or LivePageOptions.
template <typename Options>
Options page_options(const Job& job, const Endpoint& listen) {
  Options options;
  options.listen = listen;
  options.token = job.settings.links.token;
  options.insecure = job.settings.links.insecure;
  return options;
}

std::unique_ptr<run::MetricsPage> open_metrics_page(const Job& job) {
  const auto listen = metrics_endpoint(job.settings);
  if (!listen) return nullptr;
  auto page = std::make_unique<run::MetricsPage>(page_options<PageOptions>(job, *listen),
                                                 command_name(job.settings.command));
  page->start();
  return page;
}

std::shared_ptr<run::WatchedAgent> start_agent(const Job& job, const CoreOrchestrator& trainer) {
  // Another one beside those of the workers may be played only if it moves nothing but itself.
  if (job.environment || !trainer.environment_spec().repeatable) return nullptr;
  if (job.settings.learning.worker_mode != WorkerMode::kProcesses) return nullptr;
  run::WatchedAgentOptions options;
  options.environment = environment_of(job);
  options.layout = trainer.layout();
  options.policy.environment = trainer.environment_spec();
  options.policy.network = network_of(job);
  options.policy.acting = job.settings.run.greedy ? Acting::kGreedy : Acting::kSampling;
  options.policy.seed = job.settings.learning.seed;
  if (job.program.algorithm) {
    options.policy.behaviour =
        job.program.algorithm(trainer.hyperparameters())->make_behaviour(trainer.environment_spec());
  }
  return std::make_shared<run::WatchedAgent>(std::move(options));
}

std::unique_ptr<run::LivePage> open_live_page(const Job& job, std::shared_ptr<run::WatchedAgent> agent) {
  const auto listen = page_endpoint(job.settings);
  if (!listen) return nullptr;
  run::LivePageContents contents;
  contents.command = command_name(job.settings.command);
  contents.name = job.settings.links.name;
  contents.log = job.recent_log;
  contents.agent = std::move(agent);
  auto page =
      std::make_unique<run::LivePage>(page_options<LivePageOptions>(job, *listen), std::move(contents));
  page->start();
  return page;
}

}  // namespace

void begin_log(Job& job) {
  if (job.settings.links.page.empty()) {
    log_above_live_line();
    return;
  }
  job.recent_log = std::make_shared<run::RecentLog>();
  log_above_live_line(
      [kept = job.recent_log](LogLevel level, std::string_view message) { kept->add(level, message); });
}

RunPages open_pages(const Job& job, const CoreOrchestrator* trainer) {
  // Before the pages' threads.
  std::shared_ptr<run::WatchedAgent> agent;
  if (trainer != nullptr && !job.settings.links.page.empty()) agent = start_agent(job, *trainer);
  RunPages pages;
  pages.metrics = open_metrics_page(job);
  pages.live = open_live_page(job, std::move(agent));
  return pages;
}

run::RunObservers observers_of(std::initializer_list<run::RunObserver*> observers) {
  std::vector<run::RunObserver*> there;
  for (run::RunObserver* each : observers) {
    if (each != nullptr) there.push_back(each);
  }
  return run::RunObservers(std::move(there));
}

}  // namespace genkidama::cli
