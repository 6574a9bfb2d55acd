#include "cli/options/cluster_member.h"

#include <fmt/format.h>

#include <cstdint>

#include "cli/options/config_file.h"
#include "cli/options/settings_check.h"
#include "genkidama/core/random.h"

namespace genkidama::cli {
namespace {

std::vector<std::string> words_of(const Settings& settings, const std::vector<OptionRow>& table,
                                  Command role) {
  // A member is given every option, so only the cluster knows which ones its user gave.
  std::vector<std::string> words = {command_name(role), "--idle-told"};
  for (std::string& flag : flags_of(settings, table, role)) words.push_back(std::move(flag));
  return words;
}

/// Whoever is below the Parent of a cluster ends when that one says so, evaluates nothing, and has no page.
void leave_end_to_parent(Settings& member) {
  member.links.metrics.clear();
  member.links.page.clear();
  member.run.updates.reset();
  member.run.max_steps.reset();
  member.run.target.reset();
  member.run.evaluate_every.reset();
  member.run.patience.reset();
  member.run.eval_episodes = 0;
  member.run.policy_average = {};
}

bool takes_segments(const Settings& cluster) {
  return cluster.links.exchange == ExchangeKind::kSegments;
}

}  // namespace

std::vector<std::string> parent_words(const Settings& cluster, const std::vector<OptionRow>& table,
                                      int ready_fd) {
  Settings parent = cluster;
  parent.links.name = "parent";
  parent.links.listen = {"127.0.0.1:0"};
  const auto groups = cluster.simulation.groups;
  if (groups) {
    parent.links.exchange = cluster.links.upper_exchange.value_or(cluster.links.exchange);
    parent.links.upper_exchange.reset();
    parent.links.upper_merges = 0;
    // It is for the middle Parents then.
    if (parent.links.exchange == ExchangeKind::kEach) parent.links.outer_optimizer = {};
  }
  if (parent.links.exchange == ExchangeKind::kRounds || takes_segments(parent)) {
    parent.links.rounds.first_children =
        groups.value_or(static_cast<std::uint64_t>(cluster.cluster.children));
  }
  parent.learning.hyperparameters = resolved_hyperparameters(cluster);
  std::vector<std::string> words = words_of(parent, table, takes_segments(cluster) ? kLearner : kParent);
  words.push_back((cluster.resume.empty() ? "--run-dir=" : "--resume=") + cluster.run_dir);
  words.emplace_back("--cluster-member");
  words.push_back(fmt::format("--ready-fd={}", ready_fd));
  return words;
}

std::vector<std::string> middle_words(const Settings& cluster, const std::vector<OptionRow>& table,
                                      const run::MemberContext& member) {
  Settings middle = cluster;
  middle.links.name = member.name;
  middle.links.listen = {"127.0.0.1:0"};
  middle.links.upper = {member.upper->text()};
  middle.links.apart_from.reset();
  if (middle.links.exchange == ExchangeKind::kRounds)
    middle.links.rounds.first_children = static_cast<std::uint64_t>(member.children);
  middle.learning.hyperparameters = resolved_hyperparameters(cluster);
  leave_end_to_parent(middle);
  std::vector<std::string> words = words_of(middle, table, kParent);
  words.push_back((member.resume ? "--resume=" : "--run-dir=") + member.directory.string());
  words.push_back(fmt::format("--ready-fd={}", member.ready_fd));
  return words;
}

std::vector<std::string> child_words(const Settings& cluster, const std::vector<OptionRow>& table, int number,
                                     int port) {
  Settings child = cluster;
  child.links.name = cluster_child_name(number);
  child.links.connect = {fmt::format("127.0.0.1:{}", port)};
  child.learning.seed = derive_seed(cluster.learning.seed, {static_cast<std::uint64_t>(number)});
  child.learning.hyperparameters = resolved_hyperparameters(cluster);
  leave_end_to_parent(child);
  return words_of(child, table, takes_segments(cluster) ? kActor : kChild);
}

std::vector<std::string> peer_words(const Settings& cluster, const std::vector<OptionRow>& table,
                                    const run::LoopbackPeer& peer) {
  Settings settings = cluster;
  settings.links.name = peer.name;
  settings.links.listen = {"127.0.0.1:0"};
  for (const PeerNeighbour& each : peer.neighbours) {
    auto& list = each.flow == PeerFlow::kBoth    ? settings.links.neighbours
                 : each.flow == PeerFlow::kSends ? settings.links.send_to
                                                 : settings.links.receive_from;
    list.push_back(each.endpoint.text());
  }
  settings.links.first_neighbours = peer.degree;
  settings.learning.hyperparameters = resolved_hyperparameters(cluster);
  if (cluster.run.max_steps) {
    const auto peers = static_cast<std::uint64_t>(cluster.cluster.children);
    settings.run.max_steps = (*cluster.run.max_steps + peers - 1) / peers;
  }
  std::vector<std::string> words = words_of(settings, table, kPeer);
  words.push_back(fmt::format("--ready-fd={}", peer.ready_fd));
  return words;
}

std::string cluster_child_name(int number) {
  return fmt::format("child_{}", number);
}

}  // namespace genkidama::cli
