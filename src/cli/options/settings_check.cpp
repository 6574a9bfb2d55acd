#include "cli/options/settings_check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "cli/options/command_line.h"
#include "cli/options/is_one_of.h"
#include "cli/options/population_check.h"
#include "genkidama/core/cores.h"
#include "genkidama/core/error.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/net/token.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/rl/algorithms.h"
#include "genkidama/run/preset.h"
#include "genkidama/wire/message.h"
#include "genkidama/wire/protocol.h"
#include "net/check_options.h"
#include "rl/algorithms/algorithm_table.h"

namespace genkidama::cli {
namespace {

void check_runs_named(const Settings& settings) {
  const auto& runs = settings.reading.runs;
  if (runs.empty()) throw ArgumentError("RUN is missing; expected the directory of a run behind the command");
  if (settings.command == kReport && runs.size() > 1) {
    throw ArgumentError(fmt::format(
        "RUN is given {} times ('{}'); expected it once: a report is of one run, and 'compare' takes several",
        runs.size(), fmt::join(runs, "', '")));
  }
}

/// Flags that only a learner with shards knows.
void check_shards(const Settings& settings) {
  if (settings.command != kTrain) return;
  const LinkOptions& links = settings.links;
  const LinkOptions untouched;
  if (links.shards.size() > kMostShards) {
    throw ArgumentError(
        fmt::format("--shards names {} shards; expected at most {}", links.shards.size(), kMostShards));
  }
  for (const std::string& each : links.shards) {
    if (std::count(links.shards.begin(), links.shards.end(), each) > 1)
      throw ArgumentError(fmt::format("--shards names {} twice; expected each shard once", each));
  }
  if (!links.shards.empty()) {
    if (settings.machine_group.empty()) return;
    throw ArgumentError(fmt::format("--shards and --exchange {} are both given; leave one of the two out",
                                    settings.machine_group));
  }
  for (const auto& [flag, is_given] :
       {std::pair("--shard-away", links.shard_away != untouched.shard_away), std::pair("--tls", links.tls),
        std::pair("--tls-ca", !links.tls_ca.empty()),
        std::pair("--tls-certificate", !links.tls_certificate.empty()),
        std::pair("--tls-key", !links.tls_key.empty()), std::pair("--name", !links.name.empty())}) {
    if (!is_given) continue;
    throw ArgumentError(fmt::format("{} is for --shards; expected it together with that, or left out", flag));
  }
  if (!links.token_file.empty() && links.metrics.empty() && links.page.empty()) {
    throw ArgumentError(
        "--token-file is for --shards, --metrics and --page; expected it together with one of them, or left "
        "out");
  }
}

void check_dialled_ports(const LinkOptions& links) {
  for (const auto& [flag, list] :
       {std::pair("--connect", &links.connect), std::pair("--shards", &links.shards),
        std::pair("--neighbour", &links.neighbours), std::pair("--send-to", &links.send_to),
        std::pair("--receive-from", &links.receive_from), std::pair("--upper", &links.upper)}) {
    for (const std::string& text : *list) check_dialled(Endpoint::parse(text), flag);
  }
}

/// Whether the user has named the option. A member of a cluster is given every option there is.
bool is_named(const Settings& settings, const char* option) {
  return !settings.plumbing.idle_told && names_option(settings.command_line, option);
}

/// Whom a peer dials, each once, and what its rule needs.
void check_neighbours(const LinkOptions& links) {
  std::vector<std::string> seen;
  for (const auto* list : {&links.neighbours, &links.send_to, &links.receive_from}) {
    for (const std::string& text : *list) {
      const std::string endpoint = Endpoint::parse(text).text();
      if (is_one_of(endpoint, seen)) {
        throw ArgumentError(fmt::format(
            "{} is given twice; expected each peer once, in one of --neighbour, --send-to and --receive-from",
            text));
      }
      seen.push_back(endpoint);
    }
  }
  const bool is_one_way = !links.send_to.empty() || !links.receive_from.empty();
  if (is_one_way && needs_undirected(links.mixing)) {
    throw ArgumentError(
        fmt::format("{} is for --mixing {} and {}, and --mixing is '{}', for which both ends of a link send; "
                    "expected --neighbour",
                    links.send_to.empty() ? "--receive-from" : "--send-to", mixing_name(MixingRule::kGala),
                    mixing_name(MixingRule::kPushSum), mixing_name(links.mixing)));
  }
}

/// Options that only some rules of peers know.
void check_mixing(const Settings& settings) {
  const LinkOptions& links = settings.links;
  if (links.overlap && links.mixing != MixingRule::kPairs) {
    throw ArgumentError(fmt::format("--overlap is for --mixing {}, and it is '{}'; leave one of the two out",
                                    mixing_name(MixingRule::kPairs), mixing_name(links.mixing)));
  }
  const bool has_staleness = links.mixing == MixingRule::kGala || links.mixing == MixingRule::kPushSum;
  if (!has_staleness && is_named(settings, "mixing-staleness")) {
    throw ArgumentError(fmt::format(
        "--mixing-staleness is for --mixing {} and {}, and it is '{}'; leave one of the two out",
        mixing_name(MixingRule::kGala), mixing_name(MixingRule::kPushSum), mixing_name(links.mixing)));
  }
}

void check_links(const Settings& settings) {
  const bool takes_many = settings.command == kParent || settings.command == kLearner;
  if (takes_many && settings.links.listen.empty() && settings.links.connect.empty()) {
    throw ArgumentError(fmt::format("a {} needs --listen HOST:PORT, --connect HOST:PORT, or both",
                                    command_name(settings.command)));
  }
  if (settings.command == kShard && settings.links.listen.empty())
    throw ArgumentError("a shard needs --listen HOST:PORT");
  if (settings.command == kServer && settings.links.listen.empty())
    throw ArgumentError("a server needs --listen HOST:PORT, where the hosts of its environments connect");
  if (settings.command == kEnvironmentHost && settings.links.connect.size() != 1) {
    throw ArgumentError(
        fmt::format("an environment-host has one server: expected one --connect HOST:PORT, got {}",
                    settings.links.connect.size()));
  }
  if (settings.command == kPeer) check_mixing(settings);
  if (settings.command == kPeer && settings.links.listen.size() > 1) {
    throw ArgumentError(
        fmt::format("a peer listens at one place: expected at most one --listen HOST:PORT, got {}",
                    settings.links.listen.size()));
  }
  if (settings.command == kPeer && settings.links.listen.empty() && settings.links.neighbours.empty() &&
      settings.links.send_to.empty() && settings.links.receive_from.empty()) {
    throw ArgumentError(
        "a peer needs neighbours: expected --neighbour HOST:PORT, --listen HOST:PORT, or both");
  }
  check_dialled_ports(settings.links);
  check_neighbours(settings.links);
  check_shards(settings);
  if ((settings.command & kOneLink) != 0 &&
      settings.links.listen.size() + settings.links.connect.size() != 1) {
    throw ArgumentError(
        fmt::format("{} {} has one link: expected one --connect HOST:PORT or one --listen HOST:PORT, got {}",
                    settings.command == kActor ? "an" : "a", command_name(settings.command),
                    settings.links.listen.size() + settings.links.connect.size()));
  }
}

/// Whoever has a Parent or Children, and whoever has none.
void check_machine_group(const Settings& settings) {
  const std::string& group = settings.machine_group;
  if (settings.command == kTrain && exchange_of(group)) {
    throw ArgumentError(fmt::format(
        "--exchange is '{}', and train has no Parent; expected that of parent, child or cluster, or "
        "leave it out",
        group));
  }
  if (!group.empty() && settings.run.clone_only) {
    throw ArgumentError(
        fmt::format("--clone-only is given with --exchange {}; expected a run of one machine, since one "
                    "machine fits the policy",
                    group));
  }
  if (settings.command != kTrain && !group.empty()) {
    throw ArgumentError(
        fmt::format("--exchange is '{}', which only train takes; expected {}", group,
                    settings.command == kCluster ? "each, rounds or segments" : "each or rounds"));
  }
  if (settings.command == kTrain && group.empty() && settings.links.average_moments) {
    throw ArgumentError(
        "--average-moments is for machines that train together; expected it with --exchange mpi, or left "
        "out");
  }
  if (!group.empty() && settings.run_dir.empty()) {
    throw ArgumentError(fmt::format(
        "--run-dir DIR is required with --exchange {}; expected a directory that all machines are told",
        group));
  }
}

/// What lets a command's machines or workers play for one learner; nullptr where they do.
const char* missing_for_actors(const Settings& settings) {
  switch (settings.command) {
    case kTrain:
    case kServer:
      return settings.learning.learning == Learning::kCentral ? nullptr : "--learning central";
    case kCluster:
      return settings.links.exchange == ExchangeKind::kSegments ? nullptr : "--exchange segments";
    case kSimulate:
      return settings.simulation.cut == "segments" ? nullptr : "--cut segments";
    default:
      return nullptr;
  }
}

/// Flags that only one kind of actors knows.
void check_actor_mode(const Settings& settings) {
  const LinkOptions& links = settings.links;
  const LinkOptions untouched;
  const bool is_asynchronous = links.actor_mode == ActorMode::kAsynchronous;
  const auto check = [](const char* flag, bool is_given, ActorMode mode) {
    if (!is_given) return;
    throw ArgumentError(fmt::format("{} is for --actor-mode {}; expected it together with that, or left out",
                                    flag, actor_mode_name(mode)));
  };
  check("--queued-rounds", !is_asynchronous && links.queued_rounds != untouched.queued_rounds,
        ActorMode::kAsynchronous);
  check("--when-full", !is_asynchronous && links.when_full != untouched.when_full, ActorMode::kAsynchronous);
  check("--queue-bytes", !is_asynchronous && links.queue_bytes != untouched.queue_bytes,
        ActorMode::kAsynchronous);
  // Waiting workers and simulated machines always have the newest weights.
  check("--max-policy-lag",
        !is_asynchronous && links.max_policy_lag && (settings.command & (kAlone | kSimulate)) != 0,
        ActorMode::kAsynchronous);
  check("--quorum",
        is_asynchronous && (links.rounds.quorum_count != untouched.rounds.quorum_count ||
                            links.rounds.quorum_share != untouched.rounds.quorum_share),
        ActorMode::kWaiting);
  check("--round-deadline", is_asynchronous && links.round_deadline_s != untouched.round_deadline_s,
        ActorMode::kWaiting);
}

/// What needs predictors.
void check_inference(const Settings& settings) {
  if ((settings.command & kPlaying) == 0) return;
  const InferenceOptions& inference = settings.learning.inference;
  const int environments = settings.learning.hyperparameters.environments_per_worker;
  if (inference.double_buffering && inference.predictors == 0) {
    throw ArgumentError(
        "--double-buffering needs processes that compute for one half while the other is stepped, and "
        "--predictors is 0; expected at least 1, or --double-buffering=false");
  }
  if (inference.double_buffering && environments < 2) {
    throw ArgumentError(
        fmt::format("--double-buffering divides the environments of a worker, and --envs-per-worker is {}; "
                    "expected at least 2, or --double-buffering=false",
                    environments));
  }
  if (inference.tune_seconds == 0) return;
  if (inference.predictors == 0) {
    throw ArgumentError(
        "--tune-seconds changes how many predictors and workers are active, and --predictors is 0; expected "
        "at least 1");
  }
  if (settings.links.actor_mode != ActorMode::kAsynchronous) {
    throw ArgumentError(fmt::format(
        "--tune-seconds is for workers that do not wait for one another, and --actor-mode is '{}'; "
        "expected '{}', with --learning central",
        actor_mode_name(settings.links.actor_mode), actor_mode_name(ActorMode::kAsynchronous)));
  }
}

/// A server and the hosts of its environments, simulated.
void check_simulated_hosts(const Settings& settings) {
  const SimulationSettings& simulation = settings.simulation;
  if ((settings.command & kSimulation) == 0) return;
  const bool has_hosts = settings.command == kPlan || simulation.cut == "environments";
  if (simulation.inference_us && !has_hosts) {
    throw ArgumentError(
        "--inference-us is for --cut environments; expected it together with that, or left out");
  }
  if (simulation.inference_us && simulation.step_us && *simulation.inference_us > *simulation.step_us) {
    throw ArgumentError(
        fmt::format("--inference-us is {:g}, a part of --step-us, which is {:g}; expected at most so many",
                    *simulation.inference_us, *simulation.step_us));
  }
  if (settings.command == kSimulate && simulation.cut == "environments" && simulation.machines < 2) {
    throw ArgumentError(
        "--machines is 1 with --cut environments; expected at least 2, a server and a host of its "
        "environments");
  }
}

/// Whether who dials `target` from this machine reaches what listens at `own`, as far as the names say.
bool is_same_place(const Endpoint& target, const Endpoint& own) {
  if (own.port == 0 || target.port != own.port) return false;
  const std::vector<std::string> everywhere = {"0.0.0.0", "::"};
  const std::vector<std::string> loopback = {"127.0.0.1", "localhost", "::1"};
  if (target.host == own.host) return true;
  return is_one_of(target.host, loopback) &&
         (is_one_of(own.host, everywhere) || is_one_of(own.host, loopback));
}

/// A Parent would wait for itself: it listens once it has joined.
void check_no_own_parent(const LinkOptions& links) {
  if (links.upper.empty()) return;
  const Endpoint upper = Endpoint::parse(links.upper.front());
  for (const std::string& text : links.listen) {
    if (!is_same_place(upper, Endpoint::parse(text))) continue;
    throw ArgumentError(
        fmt::format("--upper is {}, where this Parent itself listens (--listen {}); expected the address of "
                    "the Parent above it",
                    links.upper.front(), text));
  }
}

/// A Parent that has a Parent.
void check_upper(const Settings& settings) {
  if (settings.command != kParent && settings.command != kCluster) return;
  const LinkOptions& links = settings.links;
  if (links.upper.size() > 1) {
    throw ArgumentError(
        fmt::format("a parent has one Parent above it: expected at most one --upper HOST:PORT, got {}",
                    links.upper.size()));
  }
  check_no_own_parent(links);
  const auto groups = settings.simulation.groups;
  if (settings.command == kCluster && groups) {
    if (links.exchange == ExchangeKind::kSegments)
      throw ArgumentError(
          "--groups is for --exchange each and rounds, and it is 'segments'; leave one of the two out");
    if (!settings.cluster.topology.empty())
      throw ArgumentError(
          "--groups and --topology are both given; peers have no Parents, so leave one of the two out");
    if (*groups > static_cast<std::uint64_t>(settings.cluster.children)) {
      throw ArgumentError(fmt::format("--groups is {}, with {} Children; expected at most one for each Child",
                                      *groups, settings.cluster.children));
    }
  }
  const bool has_upper = settings.command == kParent ? !links.upper.empty() : groups.has_value();
  if (has_upper) {
    if (settings.command == kParent && links.apart_from) {
      throw ArgumentError(
          "--apart-from is given together with --upper; it is for the topmost Parent, so leave one of the "
          "two out");
    }
    if (links.average_moments) {
      throw ArgumentError(
          fmt::format("--average-moments is given together with {}; only weights are averaged in levels, so "
                      "leave one of the two "
                      "out",
                      settings.command == kParent ? "--upper" : "--groups"));
    }
    return;
  }
  // In a cluster without groups these are the Children's.
  const auto is_of_link = [&](const char* option) {
    return settings.command == kParent && is_named(settings, option);
  };
  for (const auto& [flag, is_given] :
       {std::pair("--upper-exchange", links.upper_exchange.has_value()),
        std::pair("--upper-merges", links.upper_merges > 0), std::pair("--beta", is_of_link("beta")),
        std::pair("--codec", is_of_link("codec")), std::pair("--join-timeout", is_of_link("join-timeout")),
        std::pair("--exchange-timeout", is_of_link("exchange-timeout"))}) {
    if (!is_given) continue;
    throw ArgumentError(
        fmt::format("{} is for a Parent with one above it; expected it together with {}, or left out", flag,
                    settings.command == kParent ? "--upper" : "--groups"));
  }
}

/// Learners whose weights are at shards, simulated.
void check_simulated_shards(const Settings& settings) {
  if (settings.command != kSimulate) return;
  const bool has_shards = settings.simulation.cut == "gradients";
  if (settings.simulation.slices && !has_shards)
    throw ArgumentError("--slices is for --cut gradients; expected it together with that, or left out");
  const Hyperparameters& hyper = settings.learning.hyperparameters;
  if (has_shards && (hyper.normalise_observations || hyper.normalise_rewards)) {
    throw ArgumentError(
        fmt::format("--{} is true with --cut gradients, where each learner would normalise in another way; "
                    "expected false",
                    hyper.normalise_observations ? "normalise-observations" : "normalise-rewards"));
  }
}

/// Groups of simulated machines.
void check_tree(const Settings& settings) {
  const SimulationSettings& simulation = settings.simulation;
  if (settings.command != kSimulate) return;
  if (simulation.cut == "weights" && simulation.groups) {
    if (*simulation.groups >= 2 && *simulation.groups <= static_cast<std::uint64_t>(simulation.machines))
      return;
    throw ArgumentError(
        fmt::format("--groups is {}, with {} machines; with --cut weights it is how many Parents stand "
                    "between, so expected 2, or "
                    "more, and at most one for each machine",
                    *simulation.groups, simulation.machines));
  }
  if (simulation.cut != "tree") {
    for (const auto& [flag, is_given] :
         {std::pair("--groups", simulation.groups.has_value()),
          std::pair("--group-latency-ms", simulation.group_latency_ms.has_value()),
          std::pair("--group-bandwidth-mbit", simulation.group_bandwidth_mbit.has_value())}) {
      if (!is_given) continue;
      if (simulation.cut == "weights")
        throw ArgumentError(
            fmt::format("{} is of a group's link; expected --groups with it, or left out", flag));
      throw ArgumentError(fmt::format(
          "{} is for --cut tree and --cut weights; expected it together with one of them, or left out",
          flag));
    }
    return;
  }
  const int groups = groups_of(simulation);
  if (groups <= simulation.machines && simulation.machines % groups == 0) return;
  throw ArgumentError(fmt::format("--groups is {}, and --machines is {}; expected a number that divides them",
                                  groups, simulation.machines));
}

/// Who are neighbours, where there is no Parent.
void check_topology(Settings& settings) {
  if (!settings.cluster.topology.empty() && !settings.run.demonstrations.empty()) {
    throw ArgumentError(
        fmt::format("--demonstrations {} is given with --topology; expected a cluster with a Parent, which "
                    "fits the policy",
                    settings.run.demonstrations.string()));
  }
  if (settings.command != kCluster && settings.command != kSimulate) return;
  const bool is_simulated = settings.command == kSimulate;
  if (is_simulated && settings.simulation.cut == "peers" && settings.cluster.topology.empty())
    settings.cluster.topology = topology_name(TopologyKind::kRing);
  if (is_simulated && settings.simulation.cut != "peers" && !settings.cluster.topology.empty())
    throw ArgumentError("--topology is for --cut peers; expected it together with that, or left out");
  const std::string& topology = settings.cluster.topology;
  const auto given = [&](const char* name) { return is_named(settings, name); };
  if (topology.empty() && given("topology")) {
    throw ArgumentError(
        "--topology is ''; expected directed-ring, ring, torus, random-regular, full, or file:FILE");
  }
  if (topology.empty()) {
    for (const char* const name : {"mixing", "mixing-staleness", "topology-degree"}) {
      if (given(name))
        throw ArgumentError(fmt::format("--{} is for peers; expected {} together with it", name,
                                        is_simulated ? "--cut peers" : "--topology"));
    }
    return;
  }
  for (const char* const name :
       {"exchange", "population", "alpha", "beta", "merge", "quorum", "round-deadline", "max-staleness",
        "outer-optimizer", "average-moments", "apart-from", "actor-steps", "actor-mode", "parent-mbit"}) {
    if (given(name)) {
      throw ArgumentError(
          fmt::format("--{} is for a Parent, and with {} there is none; leave one of the two out", name,
                      is_simulated ? "--cut peers" : "--topology"));
    }
  }
  check_mixing(settings);
  if (given("topology-degree") && topology != topology_name(TopologyKind::kRandomRegular)) {
    throw ArgumentError(fmt::format("--topology-degree is for --topology {}, and it is '{}'; leave it out",
                                    topology_name(TopologyKind::kRandomRegular), topology));
  }
  const char* const count = is_simulated ? "--machines" : "--children";
  int& machines = is_simulated ? settings.simulation.machines : settings.cluster.children;
  const bool is_file = topology.starts_with("file:");
  const Topology graph = [&] {
    try {
      return topology_of(settings);
    } catch (const Error& error) {
      throw ArgumentError(fmt::format("--topology is '{}'{}: {}", topology,
                                      is_file ? "" : fmt::format(", and {} is {}", count, machines),
                                      error.what()));
    }
  }();
  if (is_file) {
    const int nodes = static_cast<int>(graph.nodes());
    if (given(count + 2) && machines != nodes) {
      throw ArgumentError(
          fmt::format("{} is {}, and the graph of --topology {} has {} machines; expected {} "
                      "{}, or {} left out",
                      count, machines, topology, nodes, count, nodes, count));
    }
    machines = nodes;
  }
  if (graph.nodes() < 2) throw ArgumentError(fmt::format("{} is 1; expected at least 2 peers", count));
  if (is_simulated && settings.learning.hyperparameters.normalise_observations) {
    throw ArgumentError(
        "--normalise-observations is true, and simulated peers share no statistics; expected false, or a "
        "cluster");
  }
  if (!graph.is_connected()) {
    throw ArgumentError(
        fmt::format("--topology is '{}', in which some peers are never reached by others; expected a "
                    "graph with a way from each to each",
                    topology));
  }
  if (needs_undirected(settings.links.mixing) && !graph.is_undirected()) {
    throw ArgumentError(
        fmt::format("--mixing is '{}', for which neighbours send to each other, and --topology is "
                    "'{}'; expected an undirected graph, or --mixing {} or {}",
                    mixing_name(settings.links.mixing), topology, mixing_name(MixingRule::kGala),
                    mixing_name(MixingRule::kPushSum)));
  }
}

/// The Parent of a cluster or a simulation that has the fewest Children. Nothing where they are not known.
struct SmallestParent {
  std::uint64_t children = 0;
  bool is_in_levels = false;
};

std::optional<SmallestParent> smallest_parent(const Settings& settings) {
  const bool is_cluster = settings.command == kCluster;
  if (!is_cluster && settings.command != kSimulate) return std::nullopt;
  const auto children = static_cast<std::uint64_t>(is_cluster ? settings.cluster.children
                                                              : simulated_children(settings.simulation));
  const auto groups = settings.simulation.groups;
  const bool is_in_levels = groups && (is_cluster || settings.simulation.cut == "weights");
  if (!is_in_levels || *groups == 0) return SmallestParent{children};
  // The topmost one has the groups, and each of these its share of the Children.
  return SmallestParent{std::min(*groups, children / *groups), true};
}

/// A round that waits for more Children than there are waits for its deadline each time.
void check_quorum(const Settings& settings) {
  const std::uint64_t quorum = settings.links.rounds.quorum_count;
  const auto smallest = smallest_parent(settings);
  if (!smallest || quorum <= smallest->children) return;
  const char* const whose = settings.command == kCluster ? "Children" : "machines that merge";
  if (smallest->is_in_levels)
    throw ArgumentError(fmt::format(
        "--quorum is {}, and with --groups one of the Parents has {} {}; expected at most so many", quorum,
        smallest->children, whose));
  throw ArgumentError(fmt::format("--quorum is {}, and there are {} {}; expected at most so many", quorum,
                                  smallest->children, whose));
}

/// Constants of a merge rule that was not chosen.
void check_merge_constants(const Settings& settings) {
  const MergeOptions& merge = settings.links.merge;
  const auto check = [&](bool is_used, const char* option, const char* expected) {
    if (is_used || !is_named(settings, option)) return;
    throw ArgumentError(
        fmt::format("--{} is for {}; expected it together with that, or left out", option, expected));
  };
  const MergeKind kind = merge.kind;
  check(kind == MergeKind::kMedian || kind == MergeKind::kTrimmedMean || kind == MergeKind::kKrum ||
            kind == MergeKind::kMultiKrum,
        "attackers", "--merge median, trimmed-mean, krum or multi-krum");
  check(kind == MergeKind::kTrimmedMean, "trim", "--merge trimmed-mean");
  check(kind == MergeKind::kClippedNorm, "clip-norm", "--merge clipped-norm");
  const bool is_fedasync = kind == MergeKind::kFedAsync;
  const bool is_hinge = merge.staleness_weight == StalenessWeight::kHinge;
  check(is_fedasync, "staleness-weight", "--merge fedasync");
  check(is_fedasync && !is_hinge, "staleness-exponent", "--merge fedasync --staleness-weight polynomial");
  for (const char* const option : {"hinge-slope", "hinge-from"})
    check(is_fedasync && is_hinge, option, "--merge fedasync --staleness-weight hinge");
}

/// Rules that the exchange cannot use, or that so many Children cannot fill.
void check_merge(const Settings& settings) {
  check_merge_constants(settings);
  const LinkOptions& links = settings.links;
  const MergeKind kind = links.merge.kind;
  if (kind == MergeKind::kAverage) return;
  const char* const name = merge_kind_name(kind);
  const bool is_simulated = settings.command == kSimulate;
  if (is_simulated && !has_parent(settings.simulation)) {
    throw ArgumentError(
        fmt::format("--merge is '{}' and --cut is '{}', where nothing is merged; expected "
                    "--cut weights or tree, or --merge left out",
                    name, settings.simulation.cut));
  }
  if (links.exchange == ExchangeKind::kSegments) {
    throw ArgumentError(
        fmt::format("--merge is '{}', and a learner merges nothing; expected --exchange each or rounds, or "
                    "--merge left out",
                    name));
  }
  const bool is_each_only = kind == MergeKind::kBySteps || kind == MergeKind::kFedAsync;
  if (links.exchange == ExchangeKind::kRounds && is_each_only) {
    throw ArgumentError(
        fmt::format("--merge is '{}' and --exchange is 'rounds', which weights by steps and "
                    "staleness itself; expected --exchange each with it, or --merge left out",
                    name));
  }
  const auto smallest = smallest_parent(settings);
  const std::uint64_t fewest = links.merge.fewest_children();
  if (!smallest || fewest <= smallest->children) return;
  throw ArgumentError(
      fmt::format("--merge is '{}' with --attackers {}, which needs {} Children, and {} {}; expected fewer "
                  "attackers, more {}, or another rule",
                  name, links.merge.attackers, fewest,
                  smallest->is_in_levels ? "with --groups one of the Parents has" : "there are",
                  smallest->children, is_simulated ? "--machines" : "--children"));
}

/// Rounds of Children that train apart in the end.
void check_apart(const Settings& settings) {
  const LinkOptions& links = settings.links;
  if (!links.apart_from) return;
  if (!settings.run.max_steps) {
    throw ArgumentError("--apart-from is a share of --max-steps; expected --max-steps N together with it");
  }
  const auto refuse = [](const char* flag, const char* why) {
    throw ArgumentError(
        fmt::format("{} is given with --apart-from, {}; leave one of the two out", flag, why));
  };
  if (links.merge.kind != MergeKind::kAverage)
    refuse("--merge", "after which there is a plain mean of the Children");
  if (links.average_moments) refuse("--average-moments", "after which each Child keeps its moments");
}

/// Several threads take the average with --exchange each, and nothing else.
void check_merge_threads(const LinkOptions& links) {
  if (links.merge_threads == 1) return;
  if (links.exchange != ExchangeKind::kEach) {
    throw ArgumentError(
        fmt::format("--merge-threads is {} and --exchange is '{}', where Children are not merged one by one; "
                    "expected --exchange each with it, or --merge-threads left out",
                    links.merge_threads, exchange_name(links.exchange)));
  }
  if (links.merge.kind == MergeKind::kAverage) return;
  throw ArgumentError(
      fmt::format("--merge-threads is {} and --merge is '{}', which needs all weights for itself; expected "
                  "--merge average with it, or --merge-threads left out",
                  links.merge_threads, merge_kind_name(links.merge.kind)));
}

/// Flags of the other exchange. alpha and beta may come from a preset.
void check_exchange(const Settings& settings) {
  const LinkOptions& links = settings.links;
  const LinkOptions untouched;
  const bool takes_segments = links.exchange == ExchangeKind::kSegments;
  if (takes_segments && settings.command == kSimulate)
    throw ArgumentError("--exchange is 'segments'; expected --cut segments, or each or rounds");
  if (takes_segments && (settings.command == kParent || settings.command == kChild)) {
    throw ArgumentError(fmt::format("--exchange segments is for 'cluster'; expected '{}' in place of '{}'",
                                    command_name(settings.command == kParent ? kLearner : kActor),
                                    command_name(settings.command)));
  }
  if (const char* const missing = missing_for_actors(settings)) {
    for (const auto& [flag, is_given] :
         {std::pair("--actor-steps", links.divide_steps != untouched.divide_steps),
          std::pair("--actor-mode", links.actor_mode != untouched.actor_mode),
          std::pair("--max-policy-lag", links.max_policy_lag.has_value())}) {
      if (!is_given) continue;
      throw ArgumentError(
          fmt::format("{} is for {}; expected it together with that, or left out", flag, missing));
    }
  }
  check_actor_mode(settings);
  check_quorum(settings);
  check_merge(settings);
  check_merge_threads(links);
  if (links.exchange != ExchangeKind::kEach && links.overlap) {
    throw ArgumentError(
        fmt::format("--overlap is for --exchange each; a Child of --exchange {} waits for {}, so leave "
                    "one of the two out",
                    exchange_name(links.exchange),
                    links.exchange == ExchangeKind::kPopulation ? "its Parent" : "the others"));
  }
  check_population(settings);
  if (links.exchange == ExchangeKind::kRounds) return check_apart(settings);
  const auto check = [](const char* flag, bool is_given) {
    if (!is_given) return;
    throw ArgumentError(
        fmt::format("{} is for --exchange rounds; expected it together with that, or left out", flag));
  };
  if (!takes_segments) {
    check("--quorum", links.rounds.quorum_count != untouched.rounds.quorum_count ||
                          links.rounds.quorum_share != untouched.rounds.quorum_share);
    check("--round-deadline", links.round_deadline_s != untouched.round_deadline_s);
    check("--first-children", links.rounds.first_children != untouched.rounds.first_children);
  }
  check("--max-staleness", links.rounds.max_staleness != untouched.rounds.max_staleness);
  check("--apart-from", links.apart_from.has_value());
  check("--outer-optimizer", links.outer_optimizer.kind != untouched.outer_optimizer.kind);
  if (settings.command != kTrain) check("--average-moments", links.average_moments);
  check("--outer-learning-rate", links.outer_optimizer.learning_rate.has_value());
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
  const bool has_shards = !settings.links.shards.empty();
  std::vector<Endpoint> connect = endpoints_of(has_shards ? settings.links.shards : settings.links.connect);
  for (const auto* list : {&settings.links.neighbours, &settings.links.send_to, &settings.links.receive_from})
    for (const Endpoint& each : endpoints_of(*list)) connect.push_back(each);
  const bool dials = settings.links.tls
                         ? !connect.empty()
                         : std::any_of(connect.begin(), connect.end(), [](const auto& to) { return to.tls; });
  const char* const dialling = has_shards                  ? "--shards"
                               : settings.command == kPeer ? "--neighbour"
                                                           : "--connect";
  if (settings.links.tls && !dials) {
    throw ArgumentError(fmt::format("--tls is for {}; --listen takes --tls-certificate FILE", dialling));
  }
  if (!settings.links.tls_ca.empty() && !dials) {
    throw ArgumentError(fmt::format("--tls-ca is for {} with --tls or wss://HOST:PORT", dialling));
  }
  if (!settings.links.tls_certificate.empty() && settings.links.listen.empty() && !dials) {
    throw ArgumentError(
        fmt::format("--tls-certificate is for --listen, or for {} with --tls or wss://HOST:PORT", dialling));
  }
  for (const auto& [flag, file] :
       {std::pair("--tls-certificate", &settings.links.tls_certificate),
        std::pair("--tls-key", &settings.links.tls_key), std::pair("--tls-ca", &settings.links.tls_ca),
        std::pair("--tls-client-ca", &settings.links.tls_client_ca)}) {
    if (!file->empty() && access(file->c_str(), R_OK) != 0) {
      throw ArgumentError(fmt::format("{} {}: cannot read the file ({})", flag, *file, std::strerror(errno)));
    }
  }
  const LinkSecurity security = security_of(settings);
  const std::vector<Endpoint> listen = endpoints_of(settings.links.listen);
  const bool listens_in_tls = std::any_of(
      listen.begin(), listen.end(), [&](const Endpoint& each) { return speaks_tls(each, security.tls); });
  check_tls_files(security.tls, listens_in_tls, dials);
}

/// PORT is on this machine alone.
std::optional<Endpoint> endpoint_of_page(const char* flag, const std::string& text) {
  if (text.empty()) return {};
  try {
    return Endpoint::parse(text.find(':') == std::string::npos ? "127.0.0.1:" + text : text);
  } catch (const ArgumentError&) {
    throw ArgumentError(fmt::format(
        "{} {}: expected PORT, which is on this machine alone, or HOST:PORT, the port from 0 to 65535", flag,
        text));
  }
}

/// Of --metrics and --page alike.
void check_page(const Settings& settings, const std::string& flag, const std::string& text,
                const std::optional<Endpoint>& endpoint) {
  if (!endpoint) return;
  if (endpoint->tls) {
    throw ArgumentError(fmt::format("{} {}: this page speaks no TLS; give PORT or HOST:PORT", flag, text));
  }
  if (!settings.cluster.topology.empty()) {
    throw ArgumentError(fmt::format(
        "{} is for a cluster with a Parent, whose page it is; each peer of a topology is a process "
        "of its own: start them with the command peer",
        flag));
  }
  if (settings.command == kCluster && !endpoint->is_loopback()) {
    throw ArgumentError(
        fmt::format("{} {}: a cluster stays on this machine, and so does its page; give PORT", flag, text));
  }
  SecurityNames names = kFlags;
  const std::string listen = flag + " ";
  names.listen = listen;
  LinkSecurity security;
  security.token = settings.links.token;
  security.insecure = settings.links.insecure;
  genkidama::check_security(security, {&*endpoint, 1}, names);
}

void check_security(Settings& settings) {
  const bool links =
      (settings.command & (kAccepting | kEnvironmentHost)) != 0 || !settings.links.shards.empty();
  if (!links && settings.links.metrics.empty() && settings.links.page.empty()) return;
  settings.links.token = read_token(settings.links.token_file, "--token-file");
  genkidama::check_security(security_of(settings), endpoints_of(settings.links.listen), kFlags);
  check_tls_use(settings);
  check_page(settings, "--metrics", settings.links.metrics, metrics_endpoint(settings));
  check_page(settings, "--page", settings.links.page, page_endpoint(settings));
}

/// As far as it follows from the layers alone; the rest is known with the environment.
void check_network_size(const Settings& settings) {
  if (!settings.network) return;
  double weights = 0;
  int before = 1;
  for (const int units : settings.network->hidden) {
    weights += static_cast<double>(before) * units;
    before = units;
  }
  if (weights <= static_cast<double>(ParameterLayout::kMaxElements)) return;
  throw ArgumentError(
      fmt::format("--hidden is '{}', layers with at least {:.0f} weights; expected at most {} weights in all",
                  fmt::join(settings.network->hidden, ","), weights, ParameterLayout::kMaxElements));
}

/// One of the library's; nothing where the algorithm is the program's own.
std::unique_ptr<Algorithm> bundled_algorithm(const Hyperparameters& hyperparameters) {
  if (!is_one_of(hyperparameters.algorithm, algorithm_names())) return nullptr;
  return make_algorithm(hyperparameters);
}

/// What learns from single steps has no use for a network that remembers earlier ones.
void check_memory(const Settings& settings) {
  if (!settings.network || settings.network->memory == 0) return;
  const Hyperparameters& hyperparameters = settings.learning.hyperparameters;
  const auto algorithm = bundled_algorithm(hyperparameters);
  if (!algorithm || algorithm->takes_memory()) return;
  throw ArgumentError(fmt::format(
      "--memory is 'gru:{}', and {} learns from single steps; expected --memory none, or as --loss {}",
      settings.network->memory, hyperparameters.algorithm, algorithms_with_memory()));
}

/// Helpers are there for workers that learn themselves.
void check_helpers(const Settings& settings) {
  const Hyperparameters& hyperparameters = settings.learning.hyperparameters;
  if (learning_of(settings) == Learning::kWorkers) return;
  if (const auto algorithm = bundled_algorithm(hyperparameters); !algorithm || algorithm->helpers() == 0)
    return;
  for (const auto& [flag, count] : {std::pair("--modellers", hyperparameters.modellers),
                                    std::pair("--planners", hyperparameters.planners)}) {
    if (count == 0) continue;
    throw ArgumentError(fmt::format(
        "{} is {} with {}, where workers only play; expected 0, or '{}' with --learning workers", flag, count,
        (settings.command & kAlone) != 0 ? "--learning central"
                                         : fmt::format("'{}'", command_name(settings.command)),
        command_name(kTrain)));
  }
}

/// The bundled networks compute on the processor; of another one the library knows.
void check_device(const Settings& settings) {
  if (!settings.network || settings.learning.device == "cpu") return;
  throw ArgumentError(fmt::format(
      "--device is '{}', and the network is one that comes with the library, which computes on the "
      "processor; expected cpu, or a program whose network is made of LibTorch's modules",
      settings.learning.device));
}

/// A simulated machine has one worker, in the simulator's own thread.
void check_simulated_sharing(const Settings& settings) {
  if ((settings.command & kSimulation) == 0) return;
  if (settings.learning.hyperparameters.sharing != Sharing::kServer) return;
  throw ArgumentError(
      "--sharing is 'server', and a simulated machine has one worker and no process beside it; expected "
      "'hogwild', 'mutex' or 'local'");
}

void check_policy_average(const Settings& settings) {
  const PolicyAverageOptions& average = settings.run.policy_average;
  for (const auto& [option, kind, name] : {std::tuple("average-decay", PolicyAverageKind::kEma, "ema"),
                                           std::tuple("average-from", PolicyAverageKind::kSwa, "swa")}) {
    if (average.kind == kind || !is_named(settings, option)) continue;
    throw ArgumentError(
        fmt::format("--{} is for --policy-average {}; expected it together with that, or left "
                    "out",
                    option, name));
  }
  if (average.kind != PolicyAverageKind::kSwa || average.from == 0) return;
  if (!settings.run.updates && !settings.run.max_steps) {
    throw ArgumentError(fmt::format(
        "--policy-average is 'swa', which starts at {} of the run; expected --updates or --max-steps to say "
        "when it ends, or --average-from 0",
        average.from));
  }
}

std::string default_name(const char* role) {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  std::string name = host.data();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c <= ' ' || c > '~'; }, '-');
  const std::string process = fmt::format("-{}", getpid());
  name = fmt::format("{}-{}", role, name);
  // A host may have a name that is as long as a peer's may be.
  return name.substr(0, kMaxNameBytes - process.size()) + process;
}

void check_name(const std::string& name) {
  if (valid_peer_name(name)) return;
  throw ArgumentError(
      fmt::format("--name is '{}'; expected 1 to {} printable ASCII characters", name, kMaxNameBytes));
}

void check_watch(const Settings& settings) {
  const WatchOptions& watch = settings.watch;
  if (!watch.record.empty() && !watch.demonstrations.empty()) {
    throw ArgumentError(
        "--record and --record-demonstrations are both given; expected one of them in a call: a picture has "
        "one "
        "episode, and demonstrations have all");
  }
  if (!watch.human) return;
  if (!watch.record.empty())
    throw ArgumentError("--record is given with --human; expected --record-demonstrations, or neither");
  if (!settings.evaluate.checkpoints.empty())
    throw ArgumentError(
        "--checkpoint is given with --human; expected one of them: a policy plays, or a person");
}

void check_export(const Settings& settings) {
  if (settings.command != kExport) return;
  if (settings.evaluate.checkpoints.size() != 1)
    throw ArgumentError("--checkpoint FILE is required, once: one policy is exported");
  if (!settings.exported.format) throw ArgumentError("--to is required; expected c, onnx or torchscript");
  if (settings.out.empty()) throw ArgumentError("--out FILE is required");
  if (settings.exported.format != run::ExportFormat::kC &&
      settings.exported.weights != run::WeightForm::kFloat32) {
    throw ArgumentError(fmt::format("--weights is '{}' with --to {}; expected f32, or --to c",
                                    run::weight_form_name(settings.exported.weights),
                                    run::export_format_name(*settings.exported.format)));
  }
  if (!settings.exported.prefix.empty()) run::check_export_prefix(settings.exported.prefix);
}

}  // namespace

Topology topology_of(const Settings& settings) {
  const std::string& name = settings.cluster.topology;
  if (name.starts_with("file:")) return Topology::read(name.substr(5));
  const int machines =
      settings.command == kSimulate ? settings.simulation.machines : settings.cluster.children;
  return Topology::make(*genkidama::topology_of(name), static_cast<std::size_t>(machines),
                        static_cast<std::size_t>(settings.cluster.topology_degree), settings.learning.seed);
}

bool learns_from_replay(const Hyperparameters& hyperparameters) {
  const auto algorithm = bundled_algorithm(hyperparameters);
  return algorithm && algorithm->learns_from_replay();
}

const std::vector<std::string>& value_algorithms() {
  static const std::vector<std::string> names = {"dqn", "dyna_q", "qr_dqn"};
  return names;
}

std::uint64_t apart_from_steps(const Settings& settings) {
  if (!settings.links.apart_from || !settings.run.max_steps) return 0;
  return static_cast<std::uint64_t>(
      std::ceil(*settings.links.apart_from * static_cast<double>(*settings.run.max_steps)));
}

std::uint64_t most_policy_lag(const Settings& settings) {
  const LinkOptions& links = settings.links;
  if (links.max_policy_lag) return *links.max_policy_lag;
  if (learns_from_replay(settings.learning.hyperparameters)) return ~std::uint64_t{0};
  return links.actor_mode == ActorMode::kAsynchronous ? 20 : 0;
}

Learning learning_of(const Settings& settings) {
  if (settings.command == kLearner) return Learning::kGiven;
  if (settings.command == kActor) return Learning::kElsewhere;
  return (settings.command & kAlone) != 0 ? settings.learning.learning : Learning::kWorkers;
}

Hyperparameters resolved_hyperparameters(const Settings& settings) {
  Hyperparameters result = settings.learning.hyperparameters;
  if (learning_of(settings) != Learning::kWorkers) {
    result.round_end = RoundEnd::kStep;
    if (result.round_steps == 0) {
      throw ArgumentError(fmt::format(
          "a {} plays rounds of --round-steps N steps, all together; expected at least 1, it is 0 "
          "with preset '{}'",
          (settings.command & kAlone) != 0 ? "central learner" : command_name(settings.command),
          settings.preset));
    }
  }
  if (result.round_end == RoundEnd::kStep && result.round_steps == 0)
    throw ArgumentError(
        "--round-end step needs --round-steps N, the steps of a round; expected at least 1, it is 0");
  if (!result.has_schedule() || result.schedule_steps > 0) return result;
  const auto steps = settings.run.max_steps ? settings.run.max_steps : settings.learning.preset_steps;
  const bool learns = (settings.command & kLearning) != 0;
  if (!learns || (!steps && settings.command == kChild)) {
    // Only the Parent knows when the run of its Children ends.
    result.schedule = result.clip_range_schedule = result.entropy_weight_schedule = Schedule::kConstant;
    return result;
  }
  if (!steps) {
    for (const auto& [flag, schedule] :
         {std::pair("--schedule", result.schedule),
          std::pair("--clip-range-schedule", result.clip_range_schedule),
          std::pair("--entropy-weight-schedule", result.entropy_weight_schedule)}) {
      if (schedule == Schedule::kConstant) continue;
      throw ArgumentError(
          fmt::format("{} is '{}'; expected --max-steps or --schedule-steps to say when it ends", flag,
                      schedule_name(schedule)));
    }
  }
  // The Children of a cluster share the run's steps. A learner has them all.
  const bool is_simulated_parent = (settings.command & kSimulation) != 0 && has_parent(settings.simulation);
  const bool shares = settings.command == kCluster && settings.links.exchange != ExchangeKind::kSegments;
  const int machines = shares                ? settings.cluster.children
                       : is_simulated_parent ? simulated_children(settings.simulation)
                       : settings.command == kSimulate && settings.simulation.cut == "peers"
                           ? settings.simulation.machines
                           : 1;
  return run::with_schedule_end(result, *steps, machines);
}

LinkSecurity security_of(const Settings& settings) {
  LinkSecurity security;
  security.token = settings.links.token;
  security.insecure = settings.links.insecure;
  security.tls = {settings.links.tls_certificate, settings.links.tls_key, settings.links.tls_ca,
                  settings.links.tls_client_ca};
  return security;
}

std::optional<Endpoint> metrics_endpoint(const Settings& settings) {
  return endpoint_of_page("--metrics", settings.links.metrics);
}

std::optional<Endpoint> page_endpoint(const Settings& settings) {
  return endpoint_of_page("--page", settings.links.page);
}

void complete_and_check(Settings& settings) {
  if ((settings.command & kReading) != 0) {
    check_runs_named(settings);
    return;
  }
  if (!settings.resume.empty()) {
    if (!settings.run_dir.empty() && settings.run_dir != settings.resume) {
      throw ArgumentError("--run-dir and --resume are both given; --resume goes on in its own directory");
    }
    settings.run_dir = settings.resume;
  }
  const bool plays_policy = (settings.command & (kEvaluate | kWatch)) != 0 && !settings.watch.human;
  if (plays_policy && settings.evaluate.checkpoints.empty()) {
    throw ArgumentError("--checkpoint FILE is required");
  }
  if (settings.command == kSweep && settings.run_dir.empty()) {
    throw ArgumentError(
        "--run-dir DIR is required; a later call with the same one goes on where this one stops");
  }
  check_watch(settings);
  check_export(settings);
  check_links(settings);
  check_security(settings);
  check_machine_group(settings);
  check_topology(settings);
  check_exchange(settings);
  check_upper(settings);
  check_tree(settings);
  check_simulated_hosts(settings);
  check_simulated_shards(settings);
  check_policy_average(settings);
  check_network_size(settings);
  check_memory(settings);
  check_device(settings);
  check_helpers(settings);
  check_inference(settings);
  check_simulated_sharing(settings);
  // Their steps are of older policies.
  if (settings.links.actor_mode == ActorMode::kAsynchronous &&
      settings.learning.hyperparameters.algorithm == "ppo")
    settings.learning.hyperparameters.vtrace = true;
  if (settings.learning.workers == 0) {
    const int sharing = settings.command == kCluster ? settings.cluster.children : 1;
    settings.learning.workers = std::max(1, usable_cores() / sharing);
  }
  const bool has_shards = !settings.links.shards.empty();
  if (settings.links.name.empty() && (settings.command != kTrain || has_shards))
    settings.links.name = default_name(has_shards ? command_name(kLearner) : command_name(settings.command));
  if (!settings.links.name.empty()) check_name(settings.links.name);
  resolved_hyperparameters(settings).check();
}

}  // namespace genkidama::cli
