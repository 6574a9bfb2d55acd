#pragma once

/// @file
/// Everything a process of the command line can be told, whichever subcommand it is for.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/env/option_values.h"
#include "genkidama/net/peer.h"
#include "genkidama/net/round_options.h"
#include "genkidama/net/segment_options.h"
#include "genkidama/net/shard_links.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/actor_mode.h"
#include "genkidama/params/codec_kind.h"
#include "genkidama/params/exchange_kind.h"
#include "genkidama/params/merge_methods.h"
#include "genkidama/params/mixing.h"
#include "genkidama/params/outer_optimizer.h"
#include "genkidama/params/population_options.h"
#include "genkidama/rl/hyperparameters.h"
#include "genkidama/run/export.h"
#include "genkidama/run/run_options.h"
#include "run/report/curve_axis.h"

namespace genkidama::cli {

/// Bits, so that an option can name the subcommands it belongs to.
enum Command : unsigned {
  kTrain = 1,
  kParent = 2,
  kChild = 4,
  kCluster = 8,
  kEvaluate = 16,
  kSweep = 32,
  kCheck = 64,
  kLearner = 128,
  kActor = 256,
  kSimulate = 512,
  kPlan = 1024,
  kShard = 2048,
  kServer = 4096,
  kEnvironmentHost = 8192,
  kPeer = 16384,
  kWatch = 32768,
  kCompare = 65536,
  kReport = 131072,
  kExport = 262144,
};
/// They read the directories of runs, and need no environment.
inline constexpr unsigned kReading = kCompare | kReport;
/// One machine's own training, wherever its environments are.
inline constexpr unsigned kAlone = kTrain | kServer;
inline constexpr unsigned kTraining = kAlone | kParent | kChild | kCluster | kLearner | kActor | kPeer;
/// They evaluate, and write policies.
inline constexpr unsigned kKeeping = kTraining & ~kActor;
inline constexpr unsigned kSimulation = kSimulate | kPlan;
/// Those whose workers learn on this machine, as they do on a machine of their own.
inline constexpr unsigned kWorking = kAlone | kChild | kCluster | kPeer;
inline constexpr unsigned kPlaying = kWorking | kActor;
inline constexpr unsigned kLearning = kWorking | kLearner | kSimulation;
/// One process, with links to others.
inline constexpr unsigned kLinked = kParent | kChild | kLearner | kActor;
/// They accept peers, and they dial them.
inline constexpr unsigned kAccepting = kLinked | kShard | kServer | kPeer;
inline constexpr unsigned kDialling = kLinked | kTrain | kEnvironmentHost | kPeer;
/// They dial or accept one peer.
inline constexpr unsigned kOneLink = kChild | kActor;
inline constexpr unsigned kEverywhere = kTraining | kEvaluate;

/// "train", "parent", ...
const char* command_name(Command command);

/// How this machine learns.
struct LearningOptions {
  Hyperparameters hyperparameters;
  std::uint64_t seed = 1;
  int workers = 0;                      ///< 0 until resolved to the machine's cores
  int servers = 1;                      ///< that apply gradients, with Sharing::kServer
  InferenceOptions inference;           ///< but for `wait`
  std::uint64_t inference_wait_us = 0;  ///< InferenceOptions::wait
  WorkerMode worker_mode = WorkerMode::kProcesses;
  std::uint64_t replay_capacity = 0;
  double worker_timeout_s = 600;
  int max_worker_crashes = 10;  ///< per minute
  double steps_per_second = 0;
  std::string device = "cpu";  ///< OrchestratorOptions::device
  Learning learning =
      Learning::kWorkers;  ///< of `train` and `server`; that of other commands follows from them
  /// Ends a linear schedule when nothing else says where; the preset's.
  std::optional<std::uint64_t> preset_steps;
};

/// Who talks to whom, and how.
struct LinkOptions {
  std::string name;
  std::vector<std::string> listen;
  std::vector<std::string> connect;
  std::string metrics;  ///< where a page for Prometheus is served: PORT or HOST:PORT; empty: nowhere
  std::string page;     ///< where a live page for browsers is served, in the same way
  std::string token_file;
  std::string token;  ///< the content of token_file or the environment's; no option, so that no file gets it
  bool insecure = false;
  bool tls = false;  ///< every peer that is dialled
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_ca;
  std::string tls_client_ca;
  std::vector<std::string> neighbours;    ///< of a peer: dialled, both ways
  std::vector<std::string> send_to;       ///< of a peer: dialled, one way
  std::vector<std::string> receive_from;  ///< of a peer: dialled, the other way
  MixingRule mixing = MixingRule::kDiffusion;
  std::uint64_t mixing_staleness = PeerOptions{}.max_staleness;
  std::uint64_t first_neighbours = PeerOptions{}.first_neighbours;
  ExchangeKind exchange = ExchangeKind::kEach;
  std::vector<std::string> upper;              ///< of a parent: the Parent above it; none, or one
  std::optional<ExchangeKind> upper_exchange;  ///< empty: as `exchange`
  std::uint64_t upper_merges = 0;              ///< UpperParentOptions::merges
  CodecKind codec = CodecKind::kFloat32;
  double alpha = 0.9;
  MergeOptions merge;
  int merge_threads = 1;
  double beta = 0;
  bool overlap = false;
  RoundOptions rounds;          ///< but for `deadline`
  double round_deadline_s = 0;  ///< RoundOptions::deadline
  /// RoundOptions::apart_from_steps as a share of the run's steps; empty: never.
  std::optional<double> apart_from;
  std::vector<std::string> explore;  ///< of a population: PopulationOptions::explored, as they were typed
  std::uint64_t ready_steps = PopulationOptions{}.ready_steps;
  double exploit_share = PopulationOptions{}.share;
  double resample = PopulationOptions{}.resample;
  OuterOptimizerOptions outer_optimizer;
  bool average_moments = false;
  bool divide_steps = true;  ///< SegmentOptions::divide
  ActorMode actor_mode = ActorMode::kWaiting;
  std::uint64_t queued_rounds = SegmentOptions{}.queued_rounds;
  std::uint64_t queue_bytes = SegmentOptions{}.queue_bytes;
  FullQueue when_full = FullQueue::kWait;
  /// RoundOptions::max_staleness of a learner; empty: by the actor_mode.
  std::optional<std::uint64_t> max_policy_lag;
  std::vector<std::string> shards;  ///< of `train`: where the shards are; none: the weights live here
  ShardAway shard_away = ShardAway::kWait;
  std::size_t slice_number = 1, slice_count = 1;  ///< of a shard
  double metrics_seconds = 10;                    ///< of a shard
  int environments = 1;                           ///< of an environment-host
  double join_timeout_s = 60;
  double away_timeout_s = 600;
  double exchange_timeout_s = 30;
};

/// `cluster`, and the evaluating workers of a Parent.
struct ClusterOptions {
  int children = 2;
  int eval_workers = 1;
  std::string topology;               ///< of peers: a name, or a file behind "file:"; empty: a Parent
  std::uint64_t topology_degree = 3;  ///< of a random regular graph
};

/// `evaluate`, what `watch` and how many episodes `check` plays, and the files of `simulate` and `plan`.
struct EvaluateOptions {
  std::vector<std::string> checkpoints;  ///< files and directories
  int episodes = 500;
  std::string json_file;
  std::string csv_file;
  std::string returns_file;
};

/// `export`; its policy is EvaluateOptions::checkpoints.
struct ExportSettings {
  std::optional<run::ExportFormat> format;
  std::string prefix;  ///< ExportOptions::prefix
  run::WeightForm weights = run::WeightForm::kFloat32;
};

/// `check`.
struct CheckOptions {
  bool try_invalid_actions = false;
};

/// `watch`. What it plays is in EvaluateOptions.
struct WatchOptions {
  std::string record;          ///< the file or directory that the film goes to; empty: the terminal
  std::string demonstrations;  ///< the file that episodes are recorded into; empty: none
  bool human = false;          ///< a person plays, with the keyboard
  double speed = 1;
};

/// `simulate` and `plan`.
struct SimulationSettings {
  std::string cut = "weights";
  int machines = 4;
  std::optional<std::uint64_t> groups;                           ///< of a tree; nothing: kGroups
  std::optional<double> group_latency_ms, group_bandwidth_mbit;  ///< nothing: as the link of a machine
  std::vector<std::string> specs;                                ///< "COUNT:KEY=VALUE,..."
  std::optional<double> step_us, gradient_us;
  std::optional<double> inference_us;  ///< of step_us, with the cut "environments"
  double factor = 1, jitter = 0;
  double latency_ms = 1, bandwidth_mbit = 100, link_jitter_ms = 0, loss = 0, parent_mbit = 0;
  double max_seconds = 0;               ///< 0: no limit
  std::optional<std::uint64_t> slices;  ///< of the weights at shards; nothing: 1
  int quadratic = 0;  ///< weights of a quadratic in place of the program's task; 0: the task
  double noise = 1;   ///< of the quadratic's gradient
  int runs = 3;       ///< `plan`: simulations of each way
};

/// The most steps of a round.
inline constexpr double kMostRoundSteps = 1e8;

/// The groups of a tree when nobody says how many.
inline constexpr std::uint64_t kGroups = 2;

/// How many groups a simulated tree has.
inline int groups_of(const SimulationSettings& settings) {
  return static_cast<int>(settings.groups.value_or(kGroups));
}

/// Whether the simulated machines, or groups of them, are Children of a Parent.
inline bool has_parent(const SimulationSettings& settings) {
  return settings.cut == "weights" || settings.cut == "tree";
}

/// Of that Parent.
inline int simulated_children(const SimulationSettings& settings) {
  return settings.cut == "tree" ? groups_of(settings) : settings.machines;
}

/// `sweep`.
struct SweepOptions {
  std::vector<std::string> grids;     ///< "alpha=0.1,0.5"
  std::vector<std::string> settings;  ///< "workers=8,gamma=0.999"
  std::string seeds = "1";
  int jobs = 1;
  std::string search = "grid";      ///< or "random", "asha", "ask"
  std::vector<std::string> ranges;  ///< "learning-rate=1e-4..1e-2 log"
  std::optional<std::uint64_t> trials;
  std::uint64_t search_seed = 1;
  std::optional<std::uint64_t> budget;  ///< environment steps of all runs
  std::uint64_t min_steps = 0;          ///< 0: --max-steps / reduction^3
  std::uint64_t reduction = 3;
  double answer_timeout_s = 600;
  std::vector<std::string> run_words;  ///< the command of each run and its flags, as typed
};

/// `compare` and `report`.
struct ReadingOptions {
  std::vector<std::string> runs;  ///< directories
  run::CurveAxis axis = run::CurveAxis::kSteps;
  std::string episode;              ///< of `report`: a picture of one; empty: none
  std::string column;               ///< empty: the mean return
  std::vector<std::string> groups;  ///< patterns
  std::optional<double> threshold;
};

/// From a cluster to the processes that it starts.
struct Plumbing {
  int ready_fd = -1;            ///< where a Parent writes the port it listens on
  bool cluster_member = false;  ///< the run directory and its config.json are the cluster's
  bool idle_told = false;       ///< the cluster has warned of options without effect
};

/// The values after defaults, preset, config file and flags have been applied in this order.
struct Settings {
  Command command = kTrain;
  std::vector<std::string> command_line;  ///< as typed, for config.json

  std::string preset;
  std::string config;   ///< --config
  std::string run_dir;  ///< --run-dir; after complete_and_check() that of --resume too
  std::string resume;   ///< --resume
  /// --out, the file of `export`, `compare` and `report`. Empty: none of `compare`, and "report.html" in the
  /// run of `report`.
  std::string out;

  OptionValues own;           ///< of Program::options
  std::string machine_group;  ///< one of Program::machine_groups, which `train` joins; empty: none
  LearningOptions learning;
  /// The network of the preset, which options may change. Nothing when it does not come with the library.
  std::optional<MlpOptions> network;
  run::RunOptions run;  ///< all but its directory, `resume` and `record`, which follow from the values above
  LinkOptions links;
  ClusterOptions cluster;
  EvaluateOptions evaluate;
  ExportSettings exported;
  CheckOptions check;
  WatchOptions watch;
  SimulationSettings simulation;
  SweepOptions sweep;
  ReadingOptions reading;
  Plumbing plumbing;
};

}  // namespace genkidama::cli
