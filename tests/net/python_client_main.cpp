// Starts a Parent and lets python_client.py join it. Exit code: the client's, or 1 when the Parent saw
// something else. 77 tells CTest that the test was skipped.

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdio>
#include <string>
#include <vector>

#include "genkidama/net/parent.h"
#include "support/fake_trainer.h"

extern char** environ;

namespace {

constexpr double kAlpha = 0.75;
constexpr int kSkipped = 77;

int run_client(const char* python, const char* script, std::uint16_t port, const std::string& exchange) {
  std::vector<std::string> arguments{python, script, std::to_string(port), exchange};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  if (posix_spawn(&child, python, nullptr, nullptr, argv.data(), environ) != 0) {
    std::puts("skipped: Python cannot be started");
    return kSkipped;
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return 1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

using namespace genkidama;

int merge_each(const char* python, const char* script) {
  ParentOptions options;
  options.listen = {{"127.0.0.1", 0}};
  options.alpha = kAlpha;
  const ParameterLayout layout = test::small_layout();
  Parent parent(options, layout, test::random_weights(layout.size(), 3));
  double mean_return = 0;
  std::uint64_t steps = 0, episodes = 0;
  parent.on_update([&](const ParentUpdate& update) {
    mean_return = update.mean_return;
    steps = update.since_child_began.steps;
    episodes = update.since_child_began.episodes;
  });
  parent.start();
  const int result = run_client(python, script, parent.ports().at(0), fmt::format("{}", kAlpha));
  parent.stop();
  if (result != 0) return result;
  const ParentStatus status = parent.status();
  // One Child with float32 and one with a codec.
  const bool as_expected = status.updates == 6 && status.joined == 2 && status.left == 2 &&
                           status.refused_peers == 1 && status.refused_updates == 0 && mean_return == -12.5 &&
                           steps == 150 && episodes == 3 && status.in_process.steps == 150;
  if (!as_expected) std::puts("the Parent did not see what the client did");
  return as_expected ? 0 : 1;
}

int make_rounds(const char* python, const char* script) {
  ParentOptions options;
  options.listen = {{"127.0.0.1", 0}};
  options.exchange = ExchangeKind::kRounds;
  options.rounds.first_children = 2;
  options.rounds.deadline = Milliseconds(60'000);
  const ParameterLayout layout = test::small_layout();
  Parent parent(options, layout, test::random_weights(layout.size(), 3));
  parent.start();
  const int result = run_client(python, script, parent.ports().at(0), "rounds");
  parent.stop();
  if (result != 0) return result;
  const ParentStatus status = parent.status();
  const bool as_expected = status.updates == 3 && status.joined == 2 && status.refused_peers == 1 &&
                           status.refused_updates == 0 && status.rounds.contributions == 6 &&
                           status.in_process.steps == 300;
  if (!as_expected) std::puts("the Parent did not see the rounds that the client made");
  return as_expected ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  if (const int result = merge_each(argv[1], argv[2]); result != 0) return result;
  return make_rounds(argv[1], argv[2]);
}
