#include <fmt/format.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "cli/commands/commands.h"
#include "cli/options/settings_check.h"
#include "cli/terminal/live_line.h"
#include "cli/terminal/run_display.h"
#include "genkidama/core/error.h"
#include "run/parent_run.h"

namespace genkidama::cli {
namespace {

ParentOptions parent_options(const Job& job) {
  const LinkOptions& links = job.settings.links;
  ParentOptions options;
  for (const std::string& text : links.listen) options.listen.push_back(Endpoint::parse(text));
  for (const std::string& text : links.connect) {
    options.connect.push_back(Endpoint::parse(text));
    options.connect.back().tls |= links.tls && !options.connect.back().plain;
  }
  options.alpha = links.alpha;
  options.merge_rule = job.program.merge_rule;
  options.name = links.name;
  options.security = security_of(job.settings);
  return options;
}

void tell_port(int fd, const std::vector<std::uint16_t>& ports) {
  const std::string text = fmt::format("{}\n", ports.empty() ? 0 : ports.front());
  if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw IoError("the port could not be told to the process that started this one");
  }
  close(fd);
}

}  // namespace

int run_parent(Job job) {
  prepare_run_directory(job);
  log_above_live_line();
  // The workers know the network and evaluate; they are forked before the Parent's thread exists.
  const auto evaluator = make_trainer(job, job.settings.cluster.eval_workers);
  run::ParentRunOptions options{parent_options(job), {}};
  if (const int fd = job.settings.plumbing.ready_fd; fd >= 0) {
    options.on_listening = [fd](const std::vector<std::uint16_t>& ports) { tell_port(fd, ports); };
  }
  RunDisplay display;
  run::ParentRun run(run_options(job, evaluator->environment_spec().name), std::move(options), *evaluator,
                     display);
  return exit_code_of(run.run());
}

}  // namespace genkidama::cli
