#include "cli/options/settings_check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "cli/options/token.h"
#include "genkidama/core/cores.h"
#include "genkidama/core/error.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/run/preset.h"
#include "net/check_options.h"

namespace genkidama::cli {
namespace {

void check_links(const Settings& settings) {
  if (settings.command == kParent && settings.listen.empty() && settings.connect.empty()) {
    throw ArgumentError("a parent needs --listen HOST:PORT, --connect HOST:PORT, or both");
  }
  if (settings.command == kChild && settings.listen.size() + settings.connect.size() != 1) {
    throw ArgumentError(fmt::format(
        "a child has one link: expected one --connect HOST:PORT or one --listen HOST:PORT, got {}",
        settings.listen.size() + settings.connect.size()));
  }
}

/// The rules of the library, in the words of the command line.
constexpr SecurityNames kFlags{.listen = "--listen ",
                               .article = "",
                               .token = "--token-file FILE",
                               .insecure = "--insecure",
                               .certificate = "--tls-certificate FILE",
                               .key = "--tls-key FILE",
                               .client_ca = "--tls-client-ca"};

std::vector<Endpoint> endpoints_of(const std::vector<std::string>& texts) {
  std::vector<Endpoint> endpoints;
  for (const std::string& text : texts) endpoints.push_back(Endpoint::parse(text));
  return endpoints;
}

/// Flags that would be of no use where they were given.
void check_tls_use(const Settings& settings) {
  const std::vector<Endpoint> connect = endpoints_of(settings.connect);
  const bool dials = settings.tls
                         ? !connect.empty()
                         : std::any_of(connect.begin(), connect.end(), [](const auto& to) { return to.tls; });
  if (settings.tls && !dials)
    throw ArgumentError("--tls is for --connect; --listen takes --tls-certificate FILE");
  if (!settings.tls_ca.empty() && !dials) {
    throw ArgumentError("--tls-ca is for --connect with --tls or wss://HOST:PORT");
  }
  if (!settings.tls_certificate.empty() && settings.listen.empty() && !dials) {
    throw ArgumentError("--tls-certificate is for --listen, or for --connect with --tls or wss://HOST:PORT");
  }
  for (const auto& [flag, file] :
       {std::pair("--tls-certificate", &settings.tls_certificate), std::pair("--tls-key", &settings.tls_key),
        std::pair("--tls-ca", &settings.tls_ca), std::pair("--tls-client-ca", &settings.tls_client_ca)}) {
    if (!file->empty() && access(file->c_str(), R_OK) != 0) {
      throw ArgumentError(fmt::format("{} {}: cannot read the file ({})", flag, *file, std::strerror(errno)));
    }
  }
}

void check_security(Settings& settings) {
  if (settings.command != kParent && settings.command != kChild) return;
  settings.token = read_token(settings.token_file);
  genkidama::check_security(security_of(settings), endpoints_of(settings.listen), kFlags);
  check_tls_use(settings);
}

void check_policy_average(const Settings& settings) {
  const PolicyAverageOptions& average = settings.policy_average;
  if (average.kind != PolicyAverageKind::kSwa || average.from == 0) return;
  if (!settings.updates && !settings.max_steps) {
    throw ArgumentError(fmt::format(
        "--policy-average is 'swa', which starts at {} of the run; expected --updates or --max-steps to say "
        "when it ends, or --average-from 0",
        average.from));
  }
}

std::string default_name(const char* role) {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return fmt::format("{}-{}-{}", role, host.data(), getpid());
}

}  // namespace

const char* command_name(Command command) {
  switch (command) {
    case kTrain:
      return "train";
    case kParent:
      return "parent";
    case kChild:
      return "child";
    case kCluster:
      return "cluster";
    case kEvaluate:
      return "evaluate";
    case kSweep:
      return "sweep";
  }
  return "";
}

Hyperparameters resolved_hyperparameters(const Settings& settings) {
  Hyperparameters result = settings.hyperparameters;
  if (result.schedule != LearningRateSchedule::kLinear || result.schedule_steps > 0) return result;
  const auto steps = settings.max_steps ? settings.max_steps : settings.preset_steps;
  const bool learns = (settings.command & kLearning) != 0;
  if (!learns || (!steps && settings.command == kChild)) {
    // Only the Parent knows when the run of its Children ends.
    result.schedule = LearningRateSchedule::kConstant;
    return result;
  }
  if (!steps) {
    throw ArgumentError(
        "--schedule is 'linear'; expected --max-steps or --schedule-steps to say when it ends");
  }
  // The Children of a cluster share the run's steps.
  return run::with_schedule_end(result, *steps, settings.command == kCluster ? settings.children : 1);
}

LinkSecurity security_of(const Settings& settings) {
  LinkSecurity security;
  security.token = settings.token;
  security.insecure = settings.insecure;
  security.tls = {settings.tls_certificate, settings.tls_key, settings.tls_ca, settings.tls_client_ca};
  return security;
}

void complete_and_check(Settings& settings) {
  if (!settings.resume.empty()) {
    if (!settings.run_dir.empty() && settings.run_dir != settings.resume) {
      throw ArgumentError("--run-dir and --resume are both given; --resume goes on in its own directory");
    }
    settings.run_dir = settings.resume;
  }
  if (settings.command == kEvaluate && settings.checkpoints.empty()) {
    throw ArgumentError("--checkpoint FILE is required");
  }
  if (settings.command == kSweep && settings.run_dir.empty()) {
    throw ArgumentError(
        "--run-dir DIR is required; a later call with the same one goes on where this one stops");
  }
  check_links(settings);
  check_security(settings);
  check_policy_average(settings);
  if (settings.workers == 0) {
    const int sharing = settings.command == kCluster ? settings.children : 1;
    settings.workers = std::max(1, usable_cores() / sharing);
  }
  if (settings.name.empty() && settings.command != kTrain)
    settings.name = default_name(command_name(settings.command));
  resolved_hyperparameters(settings).check();
}

}  // namespace genkidama::cli
