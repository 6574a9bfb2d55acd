#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/idle_options.h"
#include "cli/options/cluster_member.h"
#include "cli/options/config_file.h"
#include "cli/options/settings_check.h"
#include "cli/terminal/output.h"
#include "genkidama/net/token.h"
#include "genkidama/run/loopback_cluster.h"
#include "genkidama/run/loopback_peers.h"
#include "genkidama/run/stop_signal.h"
#include "run/directory/json_file.h"
#include "run/directory/run_directory.h"
#include "run/process/spawned_process.h"

namespace genkidama::cli {
namespace {

constexpr int kBadArguments = 2;

std::vector<std::string> words_of(const Job& job, const run::MemberContext& member) {
  // A member inherits the token; no command line has it.
  setenv(kTokenVariable, member.token.c_str(), 1);
  if (member.is_middle()) return middle_words(job.settings, job.program.table, member);
  if (member.is_parent()) return parent_words(job.settings, job.program.table, member.ready_fd);
  auto words = child_words(job.settings, job.program.table, member.number, member.endpoint.port);
  words.push_back((member.resume ? "--resume=" : "--run-dir=") + member.directory.string());
  return words;
}

std::vector<std::string> words_of(const Job& job, const run::LoopbackPeer& peer) {
  setenv(kTokenVariable, peer.token.c_str(), 1);
  auto words = peer_words(job.settings, job.program.table, peer);
  words.push_back((peer.resume ? "--resume=" : "--run-dir=") + peer.directory.string());
  return words;
}

std::string double_text(const nlohmann::json& value) {
  return value.is_number() ? fmt::format("{:.6g}", value.get<double>()) : std::string("-");
}

std::string count_text(const nlohmann::json& value) {
  return value.is_number_unsigned() ? fmt::format("{}", value.get<std::uint64_t>()) : std::string("-");
}

/// What the peers came to, as they stand in summary.json.
void tell_peers(const std::filesystem::path& summary_file) {
  std::ifstream file(summary_file, std::ios::binary);
  const auto summary = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!summary.is_object() || !summary.contains("peers")) return;
  std::string text = fmt::format("{:<12} {:>10} {:>10} {:>10} {:>10}  {}\n", "peer", "steps", "mixed",
                                 "distance", "mean", "ended");
  for (const auto& peer : summary["peers"]) {
    const auto evaluation = peer.value("final_evaluation", nlohmann::json());
    text +=
        fmt::format("{:<12} {:>10} {:>10} {:>10} {:>10}  {}\n", peer.value("name", ""),
                    count_text(peer.value("environment_steps", nlohmann::json())),
                    count_text(peer.value("exchanges", nlohmann::json())),
                    double_text(peer.value("distance_mean", nlohmann::json())),
                    evaluation.is_object() ? double_text(evaluation.value("mean", nlohmann::json())) : "-",
                    peer.value("exit_code", 0) == 0 ? "well" : run::exit_text(peer.value("exit_code", 0)));
  }
  if (summary.contains("mean"))
    text +=
        fmt::format("mean {:.6g}, worst {:.6g}\n", summary.value("mean", 0.0), summary.value("worst", 0.0));
  print_text(text);
}

int run_peers(const Job& job, const std::string& environment) {
  run::LoopbackPeersOptions options;
  options.directory = job.settings.run_dir;
  options.resume = job.settings.resume.empty() ? run::Resume::kNever : run::Resume::kRequired;
  options.topology = topology_of(job.settings);
  options.config = run::json_text(config_of(job.settings, job.program.table, job.program.name, environment));
  options.words = [&job](const run::LoopbackPeer& peer) { return words_of(job, peer); };
  options.stop = [] { return run::stop_signal() != 0; };
  options.option_name = flag_of;
  const run::LoopbackPeersSummary summary = run::LoopbackPeers(std::move(options)).run();
  tell_peers(run::RunDirectory(job.settings.run_dir).summary());
  if (summary.stopped) return 128 + run::stop_signal();
  if (summary.error.empty()) return 0;
  const bool all_refused = std::all_of(summary.exit_codes.begin(), summary.exit_codes.end(),
                                       [](int code) { return code == kBadArguments; });
  return all_refused ? kBadArguments : 1;
}

}  // namespace

int run_cluster(Job job) {
  prepare_run_directory(job);
  if (!job.settings.cluster.topology.empty()) {
    const EnvironmentSpec environment = environment_spec(job);
    warn_of_idle_options(job.settings, job.program.presets.at(job.settings.preset), environment);
    return run_peers(job, environment.name);
  }
  run::LoopbackClusterOptions options;
  options.directory = job.settings.run_dir;
  options.resume = job.settings.resume.empty() ? run::Resume::kNever : run::Resume::kRequired;
  options.children = job.settings.cluster.children;
  options.groups = static_cast<int>(job.settings.simulation.groups.value_or(0));
  options.seed = job.settings.learning.seed;
  const EnvironmentSpec environment = environment_spec(job);
  warn_of_idle_options(job.settings, job.program.presets.at(job.settings.preset), environment);
  options.config =
      run::json_text(config_of(job.settings, job.program.table, job.program.name, environment.name));
  options.member_words = [&job](const run::MemberContext& member) { return words_of(job, member); };
  options.stop = [] { return run::stop_signal() != 0; };
  options.option_name = flag_of;
  const run::ClusterSummary summary = run::LoopbackCluster(std::move(options)).run();
  if (summary.stopped) return 128 + run::stop_signal();
  if (summary.error.empty()) return 0;
  const std::vector<int>& children = summary.child_exit_codes;
  const bool all_refused = !children.empty() && std::all_of(children.begin(), children.end(),
                                                            [](int code) { return code == kBadArguments; });
  return summary.parent_exit_code == kBadArguments || all_refused ? kBadArguments : 1;
}

}  // namespace genkidama::cli
