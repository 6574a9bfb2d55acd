#include "cli/options/option_table.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <string_view>
#include <utility>

#include "cli/options/is_one_of.h"
#include "cli/options/own_options.h"
#include "genkidama/core/error.h"
#include "genkidama/nn/networks.h"
#include "genkidama/rl/algorithms.h"
#include "genkidama/wire/environment_frames.h"

namespace genkidama::cli {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr NumberRange kUnitInterval{0, 1};
constexpr NumberRange kBelowOne{0, 1, false, true};
constexpr NumberRange kOpenUnit{0, 1, true, true};
constexpr NumberRange kPositive{0, kInfinity, true};
constexpr NumberRange kNotNegative{0, kInfinity};
constexpr NumberRange kAnyNumber{-kInfinity, kInfinity};
constexpr NumberRange kAtLeastOne{1, kInfinity};
// The library counts in milliseconds; ten years are for ever.
constexpr NumberRange kSeconds{0.001, 3e8};

class Table {
 public:
  explicit Table(std::string group) : group_(std::move(group)) {}

  OptionRow& add(std::string name, unsigned commands, OptionRow row, std::string help) {
    row.name = std::move(name);
    row.commands = commands;
    row.group = group_;
    row.help = std::move(help);
    rows_.push_back(std::move(row));
    return rows_.back();
  }

  void group(std::string name) { group_ = std::move(name); }
  std::vector<OptionRow> take() { return std::move(rows_); }

 private:
  std::string group_;
  std::vector<OptionRow> rows_;
};

#define GENKIDAMA_MEMBER(path) member_of([](auto& settings) -> auto& { return settings.path; })

OptionRow file_option(Member<std::string> member, const char* placeholder) {
  OptionRow row = text_option(member);
  row.placeholder = placeholder;
  row.expected = "a path";
  row.in_config = false;
  return row;
}

OptionRow not_in_config(OptionRow row) {
  row.in_config = false;
  return row;
}

// One whose path a resumed run needs again.
OptionRow kept_file_option(Member<std::string> member, const char* placeholder) {
  OptionRow row = file_option(member, placeholder);
  row.in_config = true;
  return row;
}

OptionRow texts_option(Member<TextList> member, const char* placeholder, const char* expected) {
  OptionRow row = text_list_option(member);
  row.placeholder = placeholder;
  row.expected = expected;
  row.in_config = false;
  return row;
}

// One whose path a resumed run needs again, in a library's option.
OptionRow kept_path_option(Member<std::filesystem::path> member, const char* placeholder) {
  OptionRow row = path_option(member);
  row.placeholder = placeholder;
  row.expected = "a path";
  return row;
}

// One of several values, each with a name.
template <typename Value, std::size_t kCount>
OptionRow named_option(const std::array<Value, kCount>& all, const char* (*name)(Value),
                       Member<Value> member) {
  TextList names;
  for (const Value value : all) names.push_back(name(value));
  return choice_option(
      names, [=](const Settings& s) { return name(member.read(s)); },
      [=](Settings& s, const std::string& text) {
        for (const Value value : all) {
          if (text == name(value)) member.write(s) = value;
        }
      });
}

OptionRow schedule_option(Member<Schedule> member) {
  return named_option(std::array{Schedule::kConstant, Schedule::kLinear, Schedule::kCosine}, schedule_name,
                      std::move(member));
}

OptionRow deviation_option() {
  return choice_option(
      {"fixed", "state"},
      [](const Settings& s) {
        return s.learning.hyperparameters.state_dependent_deviation ? "state" : "fixed";
      },
      [](Settings& s, const std::string& text) {
        s.learning.hyperparameters.state_dependent_deviation = text == "state";
      });
}

OptionRow action_bounds_option() {
  return choice_option(
      {action_bounds_name(ActionBounds::kClip), action_bounds_name(ActionBounds::kTanh)},
      [](const Settings& s) { return action_bounds_name(s.learning.hyperparameters.action_bounds); },
      [](Settings& s, const std::string& text) {
        for (const auto bounds : {ActionBounds::kClip, ActionBounds::kTanh}) {
          if (text == action_bounds_name(bounds)) s.learning.hyperparameters.action_bounds = bounds;
        }
      });
}

/// A program with an algorithm of its own takes any name: it may have several.
OptionRow loss_option(const Program& program) {
  const TextList choices = program.algorithm ? TextList{} : algorithm_names();
  return choice_option(
      choices, [](const Settings& s) { return s.learning.hyperparameters.algorithm; },
      [](Settings& s, const std::string& text) { s.learning.hyperparameters.algorithm = text; });
}

OptionRow worker_mode_option() {
  return choice_option(
      {"processes", "threads"},
      [](const Settings& s) {
        return s.learning.worker_mode == WorkerMode::kThreads ? "threads" : "processes";
      },
      [](Settings& s, const std::string& text) {
        s.learning.worker_mode = text == "threads" ? WorkerMode::kThreads : WorkerMode::kProcesses;
      });
}

OptionRow policy_average_option() {
  return choice_option(
      {"none", "swa", "ema"},
      [](const Settings& s) { return policy_average_name(s.run.policy_average.kind); },
      [](Settings& s, const std::string& text) {
        for (const auto kind : {PolicyAverageKind::kNone, PolicyAverageKind::kSwa, PolicyAverageKind::kEma}) {
          if (text == policy_average_name(kind)) s.run.policy_average.kind = kind;
        }
      });
}

OptionRow search_option() {
  return choice_option(
      {"grid", "random", "asha", "ask"}, [](const Settings& s) { return s.sweep.search; },
      [](Settings& s, const std::string& text) { s.sweep.search = text; });
}

OptionRow optimizer_option(const Program& program) {
  // A program's own factory may know other names.
  const TextList choices = program.optimizer ? TextList{} : optimizer_names();
  return choice_option(
      choices, [](const Settings& s) { return s.learning.hyperparameters.optimizer; },
      [](Settings& s, const std::string& text) { s.learning.hyperparameters.optimizer = text; });
}

OptionRow preset_option(const Program& program) {
  TextList names;
  for (const auto& [name, preset] : program.presets) names.push_back(name);
  OptionRow row = choice_option(
      names, [](const Settings& s) { return s.preset; },
      [](Settings& s, const std::string& text) { s.preset = text; });
  row.placeholder = "NAME";
  row.set = [set = row.set, names](Settings& settings, const nlohmann::json& value) {
    if (set(settings, value)) return true;
    if (!value.is_string() || !is_one_of(value.get<std::string>(), algorithm_names())) return false;
    throw ArgumentError(
        fmt::format("--preset is '{0}', an algorithm; expected one of {1}, and --loss {0} to learn by it",
                    value.get<std::string>(), fmt::join(names, ", ")));
  };
  return row;
}

/// Of the networks that come with the library: it has no value where the preset has another one, and takes
/// none.
OptionRow of_bundled_network(OptionRow row) {
  row.get = [get = row.get](const Settings& settings) {
    return settings.network ? get(settings) : nlohmann::json();
  };
  row.set = [set = row.set](Settings& settings, const nlohmann::json& value) {
    if (value.is_null()) return true;
    if (settings.network) return set(settings, value);
    throw ArgumentError(
        fmt::format("the preset '{}' has a network of its own; --hidden, --activation, --trunk, --layer-norm "
                    "and --memory are "
                    "for the networks that come with the library, so leave them out or choose another preset",
                    settings.preset));
  };
  return row;
}

OptionRow activation_option() {
  return choice_option(
      {"tanh", "relu", "silu"}, [](const Settings& s) { return activation_name(s.network->activation); },
      [](Settings& s, const std::string& text) { s.network->activation = *activation_of(text); });
}

OptionRow trunk_option() {
  return choice_option(
      {"separate", "shared"},
      [](const Settings& s) { return s.network->shared_trunk ? "shared" : "separate"; },
      [](Settings& s, const std::string& text) { s.network->shared_trunk = text == "shared"; });
}

OptionRow memory_option() {
  OptionRow row = choice_option(
      {},
      [](const Settings& s) {
        return s.network->memory > 0 ? fmt::format("gru:{}", s.network->memory) : std::string("none");
      },
      [](Settings&, const std::string&) {});
  row.placeholder = "gru:N|none";
  row.expected = "'none', or 'gru:' and a whole number in [1, 1000000], such as gru:64";
  row.set = [](Settings& settings, const nlohmann::json& value) {
    constexpr std::string_view kGru = "gru:";
    constexpr int kMost = 1'000'000;
    const std::string text = value.is_string() ? value.get<std::string>() : "";
    int units = 0;
    if (text != "none") {
      if (text.rfind(kGru, 0) != 0) return false;
      const char* end = text.data() + text.size();
      const auto read = std::from_chars(text.data() + kGru.size(), end, units);
      if (read.ec != std::errc() || read.ptr != end || units < 1 || units > kMost) return false;
    }
    settings.network->memory = units;
    return true;
  };
  return row;
}

void add_network(Table& table) {
  constexpr unsigned kCommands = kTraining | kShard | kCheck | kSimulation;
  table.group("Network (one that comes with the library)");
  table.add("hidden", kCommands,
            of_bundled_network(int_list_option({1, 1e6}, GENKIDAMA_MEMBER(network->hidden))),
            "Units of each hidden layer");
  table.add("activation", kCommands, of_bundled_network(activation_option()), "What follows a hidden layer");
  table.add("trunk", kCommands, of_bundled_network(trunk_option()),
            "Whether the policy and the value have hidden layers of their own or share them");
  table.add("layer-norm", kCommands, of_bundled_network(flag_option(GENKIDAMA_MEMBER(network->layer_norm))),
            "Normalise each hidden layer's sums before the activation");
  table.add(
      "memory", kCommands, of_bundled_network(memory_option()),
      "A gated recurrent unit that remembers what the episode has shown: behind a shared trunk, or before "
      "separate ones");
}

constexpr const char* kNoGroup = "none";

/// Of `train`: none or a group of machines; of the others: how a Parent and its Children exchange weights.
OptionRow exchange_option(const Program& program) {
  TextList names = {exchange_name(ExchangeKind::kEach), exchange_name(ExchangeKind::kRounds),
                    exchange_name(ExchangeKind::kSegments), exchange_name(ExchangeKind::kPopulation),
                    kNoGroup};
  for (const auto& [name, unused] : program.machine_groups) names.push_back(name);
  return choice_option(
      names,
      [](const Settings& s) -> std::string {
        if (s.command != kTrain) return exchange_name(s.links.exchange);
        return s.machine_group.empty() ? kNoGroup : s.machine_group;
      },
      [](Settings& s, const std::string& text) {
        if (const auto kind = exchange_of(text)) {
          s.links.exchange = *kind;
          // Whoever has no Parent is told so once all is known.
          if (s.command == kTrain) s.machine_group = text;
        } else {
          s.machine_group = text == kNoGroup && s.command == kTrain ? "" : text;
        }
      });
}

/// Another word for --exchange population, under which config.json has it.
OptionRow population_option() {
  OptionRow row = flag_option(GENKIDAMA_MEMBER(links.overlap));
  row.in_config = false;
  row.get = [](const Settings& s) { return s.links.exchange == ExchangeKind::kPopulation; };
  row.set = [](Settings& s, const nlohmann::json& value) {
    if (!value.is_boolean()) return false;
    if (value.get<bool>()) s.links.exchange = ExchangeKind::kPopulation;
    return true;
  };
  return row;
}

OptionRow explore_option() {
  OptionRow row = text_list_option(GENKIDAMA_MEMBER(links.explore));
  row.placeholder = "NAME=LOW..HIGH";
  return row;
}

void add_population(Table& table) {
  table.group("Population");
  table.add(
      "population", kParent | kChild | kCluster, population_option(),
      "Nothing is averaged: each Child is a member of a population, with weights and hyperparameters of its "
      "own, and the worst go on from the best (population-based training); the same on both sides");
  table.add(
      "explore", kParent | kCluster, explore_option(),
      "A hyperparameter that each member has for itself and explores, such as learning-rate=1e-5..1e-2; "
      "with 'log' behind it, values are drawn by their logarithm");
  table.add(
      "ready-steps", kParent | kCluster, count_option({1, 1e15}, GENKIDAMA_MEMBER(links.ready_steps)),
      "Environment steps of a member between two decisions whether it copies another one; its score is the "
      "mean return of their episodes");
  table.add(
      "exploit-share", kParent | kCluster,
      real_option({0, 0.5, true, false}, GENKIDAMA_MEMBER(links.exploit_share)),
      "A member in this share of the lowest scores copies one in this share of the highest (at least one "
      "member is in each)");
  table.add("resample", kParent | kCluster, real_option(kUnitInterval, GENKIDAMA_MEMBER(links.resample)),
            "Chance that an explored value is drawn anew from its range; otherwise it is multiplied by 0.8 "
            "or 1.25");
}

OptionRow upper_exchange_option() {
  constexpr const char* kSame = "same";
  return choice_option(
      {kSame, exchange_name(ExchangeKind::kEach), exchange_name(ExchangeKind::kRounds)},
      [](const Settings& s) -> std::string {
        return s.links.upper_exchange ? exchange_name(*s.links.upper_exchange) : kSame;
      },
      [](Settings& s, const std::string& text) { s.links.upper_exchange = exchange_of(text); });
}

OptionRow codec_option() {
  std::vector<std::string> names;
  for (const CodecKind kind : kCodecKinds) names.emplace_back(codec_name(kind));
  return choice_option(
      std::move(names), [](const Settings& s) { return codec_name(s.links.codec); },
      [](Settings& s, const std::string& text) { s.links.codec = *codec_of(text); });
}

OptionRow outer_optimizer_option() {
  return choice_option(
      {"none", "momentum", "nesterov", "adam"},
      [](const Settings& s) { return outer_optimizer_name(s.links.outer_optimizer.kind); },
      [](Settings& s, const std::string& text) { s.links.outer_optimizer.kind = *outer_optimizer_of(text); });
}

OptionRow merge_option() {
  std::vector<std::string> names;
  for (const MergeKind kind : merge_kinds()) names.emplace_back(merge_kind_name(kind));
  OptionRow row = choice_option(
      std::move(names), [](const Settings& s) { return merge_kind_name(s.links.merge.kind); },
      [](Settings& s, const std::string& text) { s.links.merge.kind = *merge_kind_of(text); });
  // All of them in one word would be wider than a terminal.
  row.placeholder = "RULE";
  return row;
}

OptionRow staleness_weight_option() {
  return named_option(std::array{StalenessWeight::kPolynomial, StalenessWeight::kHinge},
                      staleness_weight_name, GENKIDAMA_MEMBER(links.merge.staleness_weight));
}

void add_merge_rules(Table& table) {
  constexpr unsigned kCommands = kParent | kCluster | kSimulate;
  table.add("merge", kCommands, merge_option(),
            "How Children's weights, or the changes of a round, become those of the Parent: average, median, "
            "trimmed-mean, krum, multi-krum, clipped-norm, or with --exchange each by-steps or fedasync");
  table.add(
      "attackers", kCommands, count_option({0, 500}, GENKIDAMA_MEMBER(links.merge.attackers)),
      "median, trimmed-mean, krum, multi-krum: how many Children may be faulty; W_P moves once twice as "
      "many and 1 have sent weights, and for krum and multi-krum 3");
  table.add(
      "trim", kCommands, real_option({0, 0.5, true, true}, GENKIDAMA_MEMBER(links.merge.trim)),
      "trimmed-mean: the share of the Children that is left out at each end (when not given: as many as "
      "--attackers)");
  table.add(
      "clip-norm", kCommands, real_option(kPositive, GENKIDAMA_MEMBER(links.merge.clip_norm)),
      "clipped-norm: the longest change of a Child (when not given: the median of the Children's last)");
  table.add("staleness-weight", kCommands, staleness_weight_option(),
            "fedasync: how alpha falls with the staleness of a Child's weights");
  table.add("staleness-exponent", kCommands,
            real_option({0, 1000}, GENKIDAMA_MEMBER(links.merge.staleness_exponent)),
            "fedasync, polynomial: A in (1 + staleness)^-A");
  table.add("hinge-slope", kCommands, real_option({0, 1e9}, GENKIDAMA_MEMBER(links.merge.hinge_slope)),
            "fedasync, hinge: A in 1 / (A (staleness - B) + 1)");
  table.add("hinge-from", kCommands, count_option({0, 1e9}, GENKIDAMA_MEMBER(links.merge.hinge_from)),
            "fedasync, hinge: B, up to which alpha does not fall");
  table.add("merge-threads", kParent | kCluster,
            int_option({1, kMaxMergeThreads}, GENKIDAMA_MEMBER(links.merge_threads)),
            "each, average: threads of the Parent that average Children's weights into its own at a time, "
            "without a lock (Hogwild!); for networks of a million weights and more");
}

OptionRow actor_steps_option() {
  return choice_option(
      {"together", "each"}, [](const Settings& s) { return s.links.divide_steps ? "together" : "each"; },
      [](Settings& s, const std::string& text) { s.links.divide_steps = text == "together"; });
}

/// Too many choices for one line of --help.
OptionRow cut_option() {
  OptionRow row = choice_option(
      {"alone", "weights", "segments", "tree", "environments", "gradients", "peers"},
      [](const Settings& s) { return s.simulation.cut; },
      [](Settings& s, const std::string& text) { s.simulation.cut = text; });
  row.placeholder = "CUT";
  return row;
}

OptionRow topology_option() {
  OptionRow row = choice_option(
      {}, [](const Settings& s) { return s.cluster.topology; }, [](Settings&, const std::string&) {});
  row.placeholder = "GRAPH";
  row.expected = "directed-ring, ring, torus, random-regular, full, or file:FILE";
  row.set = [](Settings& settings, const nlohmann::json& value) {
    if (!value.is_string()) return false;
    const std::string text = value.get<std::string>();
    const bool is_file = text.starts_with("file:") && text.size() > 5;
    if (!text.empty() && !is_file && !topology_of(text)) return false;
    settings.cluster.topology = text;
    return true;
  };
  return row;
}

OptionRow actor_mode_option() {
  return named_option(std::array{ActorMode::kWaiting, ActorMode::kAsynchronous}, actor_mode_name,
                      GENKIDAMA_MEMBER(links.actor_mode));
}

OptionRow full_queue_option() {
  return named_option(std::array{FullQueue::kWait, FullQueue::kDropOldest}, full_queue_name,
                      GENKIDAMA_MEMBER(links.when_full));
}

OptionRow learning_option() {
  return named_option(std::array{Learning::kWorkers, Learning::kCentral}, learning_name,
                      GENKIDAMA_MEMBER(learning.learning));
}

/// "cpu", "cuda" or "cuda:1"
OptionRow device_option() {
  OptionRow row = choice_option(
      {}, [](const Settings& s) { return s.learning.device; }, [](Settings&, const std::string&) {});
  row.placeholder = "cpu|cuda|cuda:N";
  row.expected = "'cpu', 'cuda', or 'cuda:' and the number of a GPU, such as cuda:1";
  row.set = [](Settings& settings, const nlohmann::json& value) {
    constexpr std::string_view kNumbered = "cuda:";
    const std::string text = value.is_string() ? value.get<std::string>() : "";
    if (text.rfind(kNumbered, 0) == 0) {
      unsigned number = 0;
      const char* const end = text.data() + text.size();
      const auto read = std::from_chars(text.data() + kNumbered.size(), end, number);
      if (read.ec != std::errc() || read.ptr != end) return false;
    } else if (text != "cpu" && text != "cuda") {
      return false;
    }
    settings.learning.device = text;
    return true;
  };
  return row;
}

/// "1/2"
OptionRow slice_option() {
  OptionRow row = choice_option(
      {}, [](const Settings& s) { return fmt::format("{}/{}", s.links.slice_number, s.links.slice_count); },
      [](Settings&, const std::string&) {});
  row.placeholder = "N/COUNT";
  row.expected = fmt::format("two whole numbers such as 1/2, the second from 1 to {} and the first up to it",
                             kMostShards);
  row.set = [](Settings& settings, const nlohmann::json& value) {
    if (!value.is_string()) return false;
    const std::string text = value.get<std::string>();
    const std::size_t middle = text.find('/');
    if (middle == std::string::npos) return false;
    const auto read = [](std::string_view part, std::size_t& number) {
      const auto result = std::from_chars(part.data(), part.data() + part.size(), number);
      return result.ec == std::errc() && result.ptr == part.data() + part.size();
    };
    std::size_t number = 0, count = 0;
    const std::string_view view = text;
    if (!read(view.substr(0, middle), number) || !read(view.substr(middle + 1), count)) return false;
    if (count < 1 || count > kMostShards || number < 1 || number > count) return false;
    settings.links.slice_number = number;
    settings.links.slice_count = count;
    return true;
  };
  return row;
}

/// "all", a whole number of Children, or a percentage of them.
OptionRow quorum_option() {
  OptionRow row = choice_option(
      {},
      [](const Settings& s) {
        const RoundOptions& rounds = s.links.rounds;
        if (rounds.quorum_count > 0) return fmt::format("{}", rounds.quorum_count);
        return rounds.quorum_share < 1 ? fmt::format("{:.6g}%", 100 * rounds.quorum_share)
                                       : std::string("all");
      },
      [](Settings&, const std::string&) {});
  row.placeholder = "all|N|P%";
  row.expected = "'all', a whole number of Children >= 1, or a percentage of them in (0, 100], such as 75%";
  row.set = [](Settings& settings, const nlohmann::json& value) {
    const std::string text = value.is_string()            ? value.get<std::string>()
                             : value.is_number_unsigned() ? value.dump()
                                                          : "";
    const bool is_share = text.ends_with('%');
    const char* const end = text.data() + text.size() - (is_share ? 1 : 0);
    std::uint64_t count = 0;
    double percent = 100;
    const auto is_whole = [end](const std::from_chars_result& read) {
      return read.ec == std::errc() && read.ptr == end;
    };
    if (is_share) {
      if (!is_whole(std::from_chars(text.data(), end, percent)) || !(percent > 0 && percent <= 100))
        return false;
    } else if (text != "all" && (!is_whole(std::from_chars(text.data(), end, count)) || count < 1)) {
      return false;
    }
    settings.links.rounds.quorum_count = count;
    settings.links.rounds.quorum_share = percent / 100;
    return true;
  };
  return row;
}

void add_exchange(Table& table, const Program& program) {
  table.group("Exchange");
  table.add("exchange", kTrain | kParent | kChild | kCluster | kSimulate, exchange_option(program),
            "Whether each Child is merged when it comes, or Children make rounds together; the same on both "
            "sides. cluster: segments, a learner and actors. train: none, or with the other machines of an "
            "MPI job");
  table.add(
      "mixing", kPeer | kCluster | kSimulate,
      named_option(
          std::array{MixingRule::kGala, MixingRule::kDiffusion, MixingRule::kPairs, MixingRule::kPushSum},
          mixing_name, GENKIDAMA_MEMBER(links.mixing)),
      "How peers average: with what came (gala), all neighbours together after each round (diff-dac), one "
      "neighbour at a time (ad-psgd), or by mass in a directed graph (push-sum); the same for all peers");
  table.add("mixing-staleness", kPeer | kCluster | kSimulate,
            count_option({1, 1e6}, GENKIDAMA_MEMBER(links.mixing_staleness)),
            "gala, push-sum: a peer waits for a neighbour from which nothing came for so many rounds");
  table.add("codec", kOneLink | kParent | kCluster | kSimulation | kPeer, codec_option(),
            "How weights travel between a Child and its Parent, a Parent and the one above it, or peers; all "
            "but f32 "
            "are lossy, and take fewer bytes");
  table.add("alpha", kParent | kCluster | kSimulation,
            real_option(kUnitInterval, GENKIDAMA_MEMBER(links.alpha)),
            "each: weight of a Child's weights in the Parent's");
  table.add("beta", kChild | kParent | kCluster | kSimulation,
            real_option(kUnitInterval, GENKIDAMA_MEMBER(links.beta)),
            "each: weight of the Parent's weights in a Child's, or of the upper Parent's in a Parent's");
  table.add("upper-exchange", kParent | kCluster, upper_exchange_option(),
            "The exchange with the Parent above, or in a cluster with --groups that of the topmost Parent");
  table.add("upper-merges", kParent | kCluster, count_option({0, 1e9}, GENKIDAMA_MEMBER(links.upper_merges)),
            "Merges between two exchanges with the Parent above (0: a round, or one merge for each Child)");
  add_merge_rules(table);
  table.add(
      "overlap", kChild | kCluster | kSimulate | kPeer, flag_option(GENKIDAMA_MEMBER(links.overlap)),
      "each, and ad-psgd of peers: a Child or a peer plays on while an exchange is on its way, and averages "
      "the answer in a round later");
  table.add("quorum", kParent | kCluster | kLearner | kSimulate, quorum_option(),
            "rounds, segments: how many Children or actors close a round when they have answered");
  table.add("round-deadline", kParent | kCluster | kLearner | kSimulate,
            real_option({0, 86'400}, GENKIDAMA_MEMBER(links.round_deadline_s)),
            "rounds, segments: seconds that a round stays open after the first Child or actor has answered "
            "(0: as long again as "
            "that one took, at least 1)");
  table.add("first-children", kParent | kSimulate,
            count_option({0, 1e6}, GENKIDAMA_MEMBER(links.rounds.first_children)),
            "rounds: the first round waits for so many Children, or for its deadline");
  table.add(
      "actors", kLearner, count_option({0, 1e6}, GENKIDAMA_MEMBER(links.rounds.first_children)),
      "The first round waits for so many actors, or for its deadline, and its steps are divided among them");
  table.add(
      "actor-steps", kLearner | kCluster, actor_steps_option(),
      "Who plays the --round-steps of a round: all actors together, or each of them, so that a round grows "
      "with their number; give it a larger --minibatch-size then");
  table.add(
      "actor-mode", kLearner | kCluster | kAlone | kSimulate, actor_mode_option(),
      "Whether actors, or workers of --learning central, wait until a round was learnt from, or play on "
      "and send into a queue; then ppo corrects by V-trace for steps that are a few updates old");
  table.add("queued-rounds", kLearner | kCluster | kAlone | kSimulate,
            count_option({1, 1e6}, GENKIDAMA_MEMBER(links.queued_rounds)),
            "Asynchronous actors: the queue holds the steps of so many rounds");
  table.add("queue-bytes", kLearner | kCluster, count_option({1, 1e15}, GENKIDAMA_MEMBER(links.queue_bytes)),
            "Asynchronous actors: the queue is full, too, when it takes so much memory; a round must fit");
  table.add(
      "when-full", kLearner | kCluster | kAlone | kSimulate, full_queue_option(),
      "Asynchronous actors: when the queue is full the actor waits, or the oldest steps in it are dropped "
      "and counted");
  table.add("max-policy-lag", kLearner | kCluster | kAlone | kSimulate,
            count_option({0, 1e6}, GENKIDAMA_MEMBER(links.max_policy_lag)),
            "Segments that were played with weights of more updates ago are dropped and counted (when not "
            "given: 0 for waiting actors, 20 for asynchronous ones)");
  table.add("max-staleness", kParent | kCluster | kSimulate,
            count_option({0, 1e6}, GENKIDAMA_MEMBER(links.rounds.max_staleness)),
            "rounds: what was learnt from weights of more rounds ago is dropped");
  table.add("apart-from", kParent | kCluster | kSimulate,
            real_option(kOpenUnit, GENKIDAMA_MEMBER(links.apart_from)),
            "rounds: after this share of --max-steps each Child trains alone, and the mean of all of them is "
            "only kept (SWAP); when not given: they never do");
  table.add("outer-optimizer", kParent | kCluster | kSimulate, outer_optimizer_option(),
            "rounds: what takes the mean change of a round into the weights");
  table.add("outer-learning-rate", kParent | kCluster | kSimulate,
            real_option(kPositive, GENKIDAMA_MEMBER(links.outer_optimizer.learning_rate)),
            "Of the outer optimizer (when not given: 0.01 for adam, 1 for the others)");
  table.add("outer-momentum", kParent | kCluster | kSimulate,
            real_option(kBelowOne, GENKIDAMA_MEMBER(links.outer_optimizer.momentum)),
            "Of the outer optimizers momentum and nesterov");
  table.add("outer-beta1", kParent | kCluster | kSimulate,
            real_option(kBelowOne, GENKIDAMA_MEMBER(links.outer_optimizer.beta1)),
            "Of the outer optimizer adam");
  table.add("outer-beta2", kParent | kCluster | kSimulate,
            real_option(kBelowOne, GENKIDAMA_MEMBER(links.outer_optimizer.beta2)),
            "Of the outer optimizer adam");
  table.add(
      "average-moments", kTrain | kParent | kChild | kCluster | kSimulate,
      boolean_option(GENKIDAMA_MEMBER(links.average_moments)),
      "rounds, and mpi: the moments of the machines' optimizers are averaged together with the weights; the "
      "same on all sides");
}

void add_links(Table& table) {
  table.group("Links");
  table.add("listen", kAccepting, endpoints_option(GENKIDAMA_MEMBER(links.listen)),
            "Accept peers here; port 0 takes any free one");
  table.add("connect", kLinked | kEnvironmentHost, endpoints_option(GENKIDAMA_MEMBER(links.connect)),
            "Dial this peer; a parent or a learner takes several and dials them again for ever");
  table.add("upper", kParent, endpoints_option(GENKIDAMA_MEMBER(links.upper)),
            "Be a Child of this Parent, so that machines are averaged in levels");
  table.add("neighbour", kPeer, endpoints_option(GENKIDAMA_MEMBER(links.neighbours)),
            "Dial this peer, and average both ways; once is enough for two peers");
  table.add(
      "first-neighbours", kPeer, count_option({0, 1024}, GENKIDAMA_MEMBER(links.first_neighbours)),
      "Training begins when so many neighbours are there, or after --join-timeout; in a cluster all of them");
  table.add("send-to", kPeer, endpoints_option(GENKIDAMA_MEMBER(links.send_to)),
            "gala, push-sum: dial this peer, and only send weights there");
  table.add("receive-from", kPeer, endpoints_option(GENKIDAMA_MEMBER(links.receive_from)),
            "gala, push-sum: dial this peer, and only get weights from there");
  table.add(
      "token-file", kAccepting | kDialling, kept_file_option(GENKIDAMA_MEMBER(links.token_file), "FILE"),
      "Shared secret, the same on both sides; else that of the environment's GENKIDAMA_TOKEN; else none");
  table.add("insecure", kAccepting | kTrain, flag_option(GENKIDAMA_MEMBER(links.insecure)),
            "Let other machines reach --listen, --metrics and --page without a token");
  table.add("tls", kDialling, flag_option(GENKIDAMA_MEMBER(links.tls)),
            "Dial in TLS, as to wss://HOST:PORT; the peer's certificate must be for that host");
  table.add("tls-ca", kDialling, kept_file_option(GENKIDAMA_MEMBER(links.tls_ca), "FILE"),
            "Authorities that sign the certificates of dialled peers, PEM (the system's when not given)");
  table.add("tls-certificate", kAccepting | kDialling,
            kept_file_option(GENKIDAMA_MEMBER(links.tls_certificate), "FILE"),
            "This side's certificate, PEM: --listen then speaks TLS only; who dials shows it when asked");
  table.add("tls-key", kAccepting | kDialling, kept_file_option(GENKIDAMA_MEMBER(links.tls_key), "FILE"),
            "Key of --tls-certificate, PEM without a password");
  table.add("tls-client-ca", kAccepting, kept_file_option(GENKIDAMA_MEMBER(links.tls_client_ca), "FILE"),
            "Take only peers with a certificate that these authorities signed, PEM (mutual TLS)");
  table.add("children", kCluster, int_option({1, 256}, GENKIDAMA_MEMBER(cluster.children)),
            "Children to start, each a process with its own workers");
  table.add("topology", kCluster | kSimulate, topology_option(),
            "No Parent: the processes are peers of this graph, each with a policy of its own, which it "
            "evaluates; or "
            "file:FILE, with a line for each edge: '0 1' for two neighbours, '0 > 1' for one way");
  table.add("topology-degree", kCluster | kSimulate,
            count_option({1, 255}, GENKIDAMA_MEMBER(cluster.topology_degree)),
            "random-regular: neighbours of each peer");
  table.add("name", kAccepting | kDialling, text_option(GENKIDAMA_MEMBER(links.name)),
            "What peers and files call this process (made from the host and the process when not given)");
  table.add(
      "join-timeout", kOneLink | kParent | kCluster | kTrain | kEnvironmentHost | kPeer,
      real_option(kSeconds, GENKIDAMA_MEMBER(links.join_timeout_s)),
      "Seconds a Child, or a Parent with --upper, waits for its Parent's first weights, a learner for its "
      "shards, a host for its server, or a peer for its first neighbours");
  table.add(
      "exchange-timeout", kOneLink | kParent | kCluster | kAlone | kPeer | kSimulate,
      real_option(kSeconds, GENKIDAMA_MEMBER(links.exchange_timeout_s)),
      "Seconds without any progress of an exchange before a Child, or a learner with shards, makes the link "
      "anew, or a server or a peer gives up one that owes an answer; a Child waits longer if its exchanges "
      "take longer");
  table.add(
      "away-timeout", kActor | kTrain | kEnvironmentHost,
      real_option(kSeconds, GENKIDAMA_MEMBER(links.away_timeout_s)),
      "Seconds that an actor waits for a learner, a learner for a shard, or a host for a server, that has "
      "gone away, "
      "playing nothing, "
      "before it gives up");
  table.add(
      "shards", kTrain, endpoints_option(GENKIDAMA_MEMBER(links.shards)),
      "Shards that own the weights, one after the other, each with a slice of its own; --sharing is then "
      "server");
  table.add("shard-away", kTrain,
            named_option(std::array{ShardAway::kWait, ShardAway::kGoOn}, shard_away_name,
                         GENKIDAMA_MEMBER(links.shard_away)),
            "While a shard is away: wait for it, or go on with its weights as they are");
  table.add("slice", kShard, slice_option(),
            "Which of so many slices of the weights this shard owns, such as 1/2; each is some shard's");
  table.add("envs", kEnvironmentHost,
            int_option({1, static_cast<double>(kMostHostEnvironments)}, GENKIDAMA_MEMBER(links.environments)),
            "Environments that this host offers its server");
  OptionRow& metrics = table.add(
      "metrics", kTraining | kShard, text_option(GENKIDAMA_MEMBER(links.metrics)),
      "Serve the run's figures for Prometheus at http://HOST:PORT/metrics; PORT alone is on this machine");
  metrics.placeholder = "HOST:PORT";
  OptionRow& page = table.add("page", kTraining | kShard, text_option(GENKIDAMA_MEMBER(links.page)),
                              "Serve a page for a browser that shows the run while it goes on, at "
                              "http://HOST:PORT/; PORT alone is on "
                              "this machine");
  page.placeholder = "HOST:PORT";
  table.add("metrics-seconds", kShard, real_option(kSeconds, GENKIDAMA_MEMBER(links.metrics_seconds)),
            "Least seconds between two rows of metrics.csv; rows get rarer as a run gets longer");
}

void add_run(Table& table, const Program& program) {
  table.group("Run");
  table.add("preset", kEverywhere | kWatch | kShard | kCheck | kSimulation, preset_option(program),
            "Named set of defaults, listed below");
  table.add("config", kTraining | kShard | kEnvironmentHost, file_option(GENKIDAMA_MEMBER(config), "FILE"),
            "JSON file of options, for instance a run's config.json; flags win over it");
  table.add(
      "run-dir", kTraining | kShard | kSweep, file_option(GENKIDAMA_MEMBER(run_dir), "DIR"),
      "New directory for what the run leaves behind (runs/NAME-TIME-PID when not given; a sweep needs one)");
  table.add("resume", kTraining | kShard, file_option(GENKIDAMA_MEMBER(resume), "DIR"),
            "Go on with the run in this directory, with its options unless flags say otherwise");
  table.add("init-from", kAlone | kParent | kCluster | kLearner | kShard,
            kept_path_option(GENKIDAMA_MEMBER(run.init_from), "FILE"),
            "Begin with the weights of this policy file, such as another run's final.safetensors");
  table.add("seed", kEverywhere | kWatch | kShard | kCheck | kSimulation,
            count_option(kNotNegative, GENKIDAMA_MEMBER(learning.seed)),
            "All randomness follows from it (a child or an actor draws one when not given)");
  table.add("workers", kPlaying | kEvaluate, int_option({1, 4096}, GENKIDAMA_MEMBER(learning.workers)),
            "Workers of this machine, or of each Child of a cluster (one per core when not given)");
  table.add("worker-mode", kEverywhere, worker_mode_option(), "What a worker is");
  table.add("worker-timeout", kEverywhere,
            real_option({0.001, 1e6}, GENKIDAMA_MEMBER(learning.worker_timeout_s)),
            "Seconds without an environment step or a gradient after which a worker hangs and is replaced, "
            "at most: "
            "after three rounds, 20 times the longest silence so far, and at least 30");
  table.add(
      "max-worker-crashes", kEverywhere, int_option({0, 1e6}, GENKIDAMA_MEMBER(learning.max_worker_crashes)),
      "Workers that die or hang are started again, up to this many within a minute; 0: the first one ends "
      "the run");
  table.add("steps-per-second", kPlaying | kSimulation,
            real_option({0, 1e9}, GENKIDAMA_MEMBER(learning.steps_per_second)),
            "The most steps a second in each environment of a worker, as on a slow board or a robot; "
            "evaluations are "
            "not held back; 0: no limit");
  table.add(
      "device", kPlaying | kLearner | kEvaluate, device_option(),
      "Where a network made of LibTorch's modules computes batches: predictors, a learner, and workers that "
      "learn themselves; weights are copied there. cuda needs a LibTorch with CUDA, and a GPU");
  table.add(
      "learning", kAlone, learning_option(),
      "Who learns: each worker from its own steps, or one process (central) from those of all workers, which "
      "then play --round-steps together");
  table.add("replay-capacity", kLearning, count_option({0, 1e9}, GENKIDAMA_MEMBER(learning.replay_capacity)),
            "Steps that each worker, or a learner of all of them, keeps in a shared buffer, from which all "
            "algorithms learn but a3c and ppo, which "
            "only fill it; 0: none");
}

/// Those that fit a policy to demonstrations.
constexpr unsigned kCloning = kAlone | kParent | kCluster | kLearner;

void add_cloning(Table& table) {
  table.group("Demonstrations");
  table.add("demonstrations", kCloning, kept_path_option(GENKIDAMA_MEMBER(run.demonstrations), "FILE"),
            "Before the first round, fit the policy and its values to these recorded episodes (watch "
            "--record-demonstrations)");
  table.add("clone-epochs", kCloning, int_option({1, 1e6}, GENKIDAMA_MEMBER(run.cloning.epochs)),
            "Passes over the demonstrated steps at most");
  table.add("clone-patience", kCloning, int_option({1, 1e6}, GENKIDAMA_MEMBER(run.cloning.patience)),
            "Passes in a row without a lower loss on the held-out episodes that end the fit; the best pass "
            "is kept");
  table.add(
      "clone-held-out", kCloning, real_option({0, 0.5}, GENKIDAMA_MEMBER(run.cloning.held_out)),
      "Share of the demonstrated episodes that the fit is judged by and learns nothing from; 0: none, and "
      "all passes are made");
  table.add("clone-learning-rate", kCloning,
            real_option({0, 1e3, true}, GENKIDAMA_MEMBER(run.cloning.learning_rate)),
            "Adam's learning rate in the fit at first; it falls linearly to 0 over --clone-epochs");
  table.add("clone-minibatch-size", kCloning,
            int_option({1, 1e6}, GENKIDAMA_MEMBER(run.cloning.minibatch_size)),
            "Demonstrated steps per optimizer step of the fit");
  table.add("clone-value-weight", kCloning, real_option({0, 1e6}, GENKIDAMA_MEMBER(run.cloning.value_weight)),
            "Weight of the fit of values to the demonstrated returns; 0: values are not fitted");
  table.add("clone-only", kCloning, not_in_config(flag_option(GENKIDAMA_MEMBER(run.clone_only))),
            "End the run once the policy is fitted and evaluated; a later --resume trains it");
}

void add_ending(Table& table) {
  table.group("End of the run (the first that is met)");
  table.add("updates", kTraining | kShard | kSimulation,
            count_option(kAtLeastOne, GENKIDAMA_MEMBER(run.updates)),
            "After this many updates: rounds, merges at a Parent, or optimizer steps of a shard");
  table.add("max-steps", kTraining | kSimulation, count_option(kAtLeastOne, GENKIDAMA_MEMBER(run.max_steps)),
            "After this many environment steps of all workers together (the preset's when no end is given)");
  table.add("target", kKeeping | kSimulation, real_option(kAnyNumber, GENKIDAMA_MEMBER(run.target)),
            "When the mean return of an evaluation reaches this");
  table.add("evaluate-every", kKeeping | kSimulation,
            count_option(kAtLeastOne, GENKIDAMA_MEMBER(run.evaluate_every)),
            "Updates between evaluations (100 with --target or --patience, else none; with --target alone "
            "also whenever the "
            "training episodes come close to it); with it or --patience "
            "the best "
            "policy is kept as best.safetensors in the run's directory");
  table.add("patience", kKeeping, count_option(kAtLeastOne, GENKIDAMA_MEMBER(run.patience)),
            "After this many evaluations in a row without a better mean return than the best before");
  table.add("target-episodes", kKeeping | kSimulation,
            int_option({1, 1e6}, GENKIDAMA_MEMBER(run.target_episodes)),
            "Episodes of each of these evaluations");
  table.add("max-weight-norm", kKeeping, real_option(kNotNegative, GENKIDAMA_MEMBER(run.max_weight_norm)),
            "A run whose weights get a larger L2 norm has diverged and fails; 0: any finite weights will do");
}

void add_results(Table& table) {
  table.group("Results");
  table.add("checkpoint-every", kKeeping, count_option(kAtLeastOne, GENKIDAMA_MEMBER(run.checkpoint_every)),
            "Updates between checkpoints; of more than 1,000 only every tenth is written, and so on");
  table.add(
      "keep-all", kKeeping, flag_option(GENKIDAMA_MEMBER(run.keep_all)),
      "All checkpoints, and a row of the metrics for every update, however many there get; otherwise the "
      "metrics of more than 10,000 updates have a sample of one in ten, and so on");
  table.add("tensorboard", kTraining | kShard, flag_option(GENKIDAMA_MEMBER(run.tensorboard)),
            "Event files for TensorBoard beside metrics.csv");
  table.add(
      "checkpoint-seconds", kKeeping | kShard,
      real_option(kNotNegative, GENKIDAMA_MEMBER(run.checkpoint_seconds)),
      "What --resume goes on from is written at least so often too, once a round or merge has ended, and "
      "at first after 1, 2, 4, ... seconds; 0: only with checkpoints");
  table.add("eval-episodes", kKeeping | kSweep, int_option({0, 1e6}, GENKIDAMA_MEMBER(run.eval_episodes)),
            "Episodes of the final evaluation, or in a sweep of each checkpoint's; 0: none");
  table.add("eval-seed", kKeeping | kSweep | kSimulation,
            count_option(kNotNegative, GENKIDAMA_MEMBER(run.eval_seed)),
            "Seed of the evaluations; 'evaluate --seed' with the same plays the same episodes");
  table.add(
      "policy-average", kKeeping, policy_average_option(),
      "What is evaluated and kept: the latest weights, their mean (swa) or an exponential moving average");
  table.add("average-decay", kKeeping, real_option(kBelowOne, GENKIDAMA_MEMBER(run.policy_average.decay)),
            "What remains of the ema at each update");
  table.add("average-from", kKeeping, real_option(kBelowOne, GENKIDAMA_MEMBER(run.policy_average.from)),
            "Share of the run (of --updates or --max-steps) at which swa starts");
  table.add("eval-workers", kParent | kCluster | kLearner,
            int_option({1, 4096}, GENKIDAMA_MEMBER(cluster.eval_workers)),
            "Workers of the Parent or the learner, which only evaluate");
  table.add(
      "checkpoint", kEvaluate | kWatch | kExport,
      texts_option(GENKIDAMA_MEMBER(evaluate.checkpoints), "FILE|DIR", "a path"),
      "Safetensors file with weights, or a directory of them such as a run's (required). evaluate: several "
      "may be given; watch: the last one of a directory is played; export: one file");
  table.add("episodes", kEvaluate | kWatch | kCheck,
            int_option({1, 1e7}, GENKIDAMA_MEMBER(evaluate.episodes)),
            "Episodes to play; watch --record keeps the one with the highest return");
  table.add("greedy", kEverywhere | kWatch | kSweep | kSimulation, flag_option(GENKIDAMA_MEMBER(run.greedy)),
            "Evaluate with the likeliest action instead of sampled ones; --greedy=false against a preset "
            "that does");
  table.add("json", kEvaluate | kSimulation, file_option(GENKIDAMA_MEMBER(evaluate.json_file), "FILE"),
            "Write the result to this file too; an array for several checkpoints");
  table.add("csv", kEvaluate | kSimulate, file_option(GENKIDAMA_MEMBER(evaluate.csv_file), "FILE"),
            "Write a row per checkpoint, or per update of a simulation, to this file");
  table.add("returns", kEvaluate, file_option(GENKIDAMA_MEMBER(evaluate.returns_file), "FILE"),
            "Write the return of every episode to this file, a row per checkpoint");
  table.add("out", kReading | kExport, file_option(GENKIDAMA_MEMBER(out), "FILE"),
            "The file to write, whole or not at all: of compare the picture, as SVG (none without it), of "
            "report the "
            "page (report.html in the run's directory without it), of export the policy (required)");
}

OptionRow axis_option() {
  return choice_option(
      {"steps", "seconds", "updates"},
      [](const Settings& s) {
        return s.reading.axis == run::CurveAxis::kSteps     ? "steps"
               : s.reading.axis == run::CurveAxis::kSeconds ? "seconds"
                                                            : "updates";
      },
      [](Settings& s, const std::string& text) {
        s.reading.axis = text == "steps"     ? run::CurveAxis::kSteps
                         : text == "seconds" ? run::CurveAxis::kSeconds
                                             : run::CurveAxis::kUpdates;
      });
}

void add_reading(Table& table) {
  table.group("Reading runs");
  OptionRow runs = texts_option(GENKIDAMA_MEMBER(reading.runs), "RUN", "the directory of a run");
  runs.is_word = true;
  table.add("runs", kReading, std::move(runs), "Directory of a run (required)");
  table.add("episode", kReport, file_option(GENKIDAMA_MEMBER(reading.episode), "FILE"),
            "Show this recorded episode in the page, a .svg or .gif file of watch --record");
  table.add("x", kCompare, not_in_config(axis_option()), "What the x axis counts");
  table.add("column", kCompare, not_in_config(text_option(GENKIDAMA_MEMBER(reading.column))),
            "Draw this column of metrics.csv, or else of evaluations.csv, in the place of the mean return");
  table.add("group", kCompare,
            texts_option(GENKIDAMA_MEMBER(reading.groups), "[NAME=]PATTERN", "[NAME=]PATTERN"),
            "One line for the runs whose directory matches, as in a shell; several may be given, behind the "
            "runs");
  table.add("threshold", kCompare,
            not_in_config(real_option(kAnyNumber, GENKIDAMA_MEMBER(reading.threshold))),
            "Return whose first steps the table tells; without it the task's, or the target of the runs");
}

OptionRow export_format_option() {
  const auto name = [](const Settings& settings) {
    const auto format = settings.exported.format;
    return format ? run::export_format_name(*format) : "";
  };
  return choice_option({"c", "onnx", "torchscript"}, name, [](Settings& s, const std::string& text) {
    s.exported.format = run::export_format_of(text);
  });
}

void add_export(Table& table) {
  table.group("Export");
  table.add("to", kExport, export_format_option(),
            "A header of C99 without dependencies, an ONNX model, or a TorchScript module (required)");
  table.add(
      "weights", kExport,
      named_option(std::array{run::WeightForm::kFloat32, run::WeightForm::kFloat16, run::WeightForm::kInt8},
                   run::weight_form_name, GENKIDAMA_MEMBER(exported.weights)),
      "What the header's matrices are rounded to; fewer bits take less flash");
  table.add("prefix", kExport, text_option(GENKIDAMA_MEMBER(exported.prefix)),
            "What the identifiers of the header begin with (the environment's name when not given)");
}

void add_hyperparameters(Table& table, const Program& program) {
  table.group("Hyperparameters");
  // It decides which outputs the network has.
  table.add("loss", kLearning | kActor | kShard | kEverywhere | kWatch | kCheck, loss_option(program),
            "What is minimised");
  table.add("gamma", kLearning | kActor,
            real_option(kUnitInterval, GENKIDAMA_MEMBER(learning.hyperparameters.gamma)),
            "Discount per step");
  table.add("gae-lambda", kLearning,
            real_option(kUnitInterval, GENKIDAMA_MEMBER(learning.hyperparameters.gae_lambda)),
            "Of generalised advantage estimation; 1: n-step returns over the batch");
  table.add("reward-scale", kLearning,
            real_option(kPositive, GENKIDAMA_MEMBER(learning.hyperparameters.reward_scale)),
            "Multiplies rewards for learning, not in statistics");
  // A Parent must know too: it merges the statistics of its Children and evaluates with them.
  table.add(
      "normalise-observations", kTraining | kSimulation,
      boolean_option(GENKIDAMA_MEMBER(learning.hyperparameters.normalise_observations)),
      "Give the network observations less their running mean, in running deviations; the same at a Parent "
      "and all of its Children");
  table.add("observation-clip", kTraining | kSimulation,
            real_option(kPositive, GENKIDAMA_MEMBER(learning.hyperparameters.observation_clip)),
            "Cut normalised observations to this many deviations");
  table.add(
      "normalise-rewards", kTraining | kSimulation,
      boolean_option(GENKIDAMA_MEMBER(learning.hyperparameters.normalise_rewards)),
      "Learn from rewards divided by the running deviation of the discounted return; the same at a Parent "
      "and all of its Children");
  table.add("value-weight", kLearning,
            real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.value_weight)),
            "Weight of the value's squared error in the loss");
  table.add("entropy-weight", kLearning,
            real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.entropy_weight)),
            "Weight of the policy's entropy in the loss");
  table.add("entropy-weight-schedule", kLearning,
            schedule_option(GENKIDAMA_MEMBER(learning.hyperparameters.entropy_weight_schedule)),
            "linear, cosine: the entropy's weight falls to 0 over the run");
  table.add("bootstrap-truncated", kLearning,
            boolean_option(GENKIDAMA_MEMBER(learning.hyperparameters.bootstrap_truncated)),
            "Count the value beyond the time limit; false takes the limit for a terminal state");
  table.add(
      "bootstrap-next", kLearning, boolean_option(GENKIDAMA_MEMBER(learning.hyperparameters.bootstrap_next)),
      "Where a batch ends before its episode, count the value of the next observation; false takes that "
      "of the last one stored");
  table.add("batch-size", kLearning,
            int_option({1, 1e7}, GENKIDAMA_MEMBER(learning.hyperparameters.batch_size)),
            "Steps per optimizer step of a3c");
  table.add("pull-every", kLearning,
            int_option({1, 1e7}, GENKIDAMA_MEMBER(learning.hyperparameters.pull_every)),
            "Batches of a3c between pulls of the shared weights");
  table.add("envs-per-worker", kLearning | kActor,
            int_option({1, 1024}, GENKIDAMA_MEMBER(learning.hyperparameters.environments_per_worker)),
            "Environments a worker plays side by side; a network that goes through LibTorch takes them all "
            "in one pass");
  table.add(
      "epsilon", kLearning | kActor,
      real_option(kUnitInterval, GENKIDAMA_MEMBER(learning.hyperparameters.epsilon)),
      "Chance that a choice is uniformly random; continuous components are sampled from the policy alone");
  table.add("equal-draws", kWorking | kSimulation,
            boolean_option(GENKIDAMA_MEMBER(learning.hyperparameters.equal_draws)),
            "All workers draw their actions with the same random numbers, as the thesis' own program");
  table.add(
      "noise-correlation", kLearning | kActor,
      real_option(kBelowOne, GENKIDAMA_MEMBER(learning.hyperparameters.noise_correlation)),
      "How much of a step's randomness follows from the step before, while experience is collected; above 0 "
      "the agent keeps to a direction for longer");
  table.add("round-steps", kLearning | kActor,
            int_option({0, kMostRoundSteps}, GENKIDAMA_MEMBER(learning.hyperparameters.round_steps)),
            "Least steps of a worker's round, played to an episode's end; 0: one episode. With a learner: of "
            "all workers "
            "and actors together");
  table.add("round-end", kWorking | kSimulation,
            named_option(std::array{RoundEnd::kEpisode, RoundEnd::kStep}, round_end_name,
                         GENKIDAMA_MEMBER(learning.hyperparameters.round_end)),
            "What a worker's round ends with: step: exactly --round-steps steps, and an unfinished episode "
            "goes on in "
            "the next round");
  table.add("sharing", kWorking | kSimulation,
            named_option(std::array{Sharing::kHogwild, Sharing::kMutex, Sharing::kLocal, Sharing::kServer,
                                    Sharing::kOneBuffer},
                         sharing_name, GENKIDAMA_MEMBER(learning.hyperparameters.sharing)),
            "How workers share: hogwild: they step the same weights at once; mutex: one after the other; "
            "local: each steps a copy and merges its change; server: a process applies all gradients; "
            "one-buffer: as hogwild, through one gradient for all, as the thesis' own program");
  table.add("servers", kWorking,
            int_option({1, static_cast<double>(kMostShards)}, GENKIDAMA_MEMBER(learning.servers)),
            "How many processes apply gradients with --sharing server; each owns a slice of the weights");
  table.add("predictors", kPlaying, int_option({0, 1024}, GENKIDAMA_MEMBER(learning.inference.predictors)),
            "Processes that compute what actions are chosen from, for all workers, which only step their "
            "environments; 0: each worker computes its own");
  table.add("inference-batch", kPlaying, int_option({0, 1e6}, GENKIDAMA_MEMBER(learning.inference.batch)),
            "Observations that a predictor computes at once, at most; 0: all that are waiting");
  table.add("inference-wait-us", kPlaying,
            count_option({0, 1e6}, GENKIDAMA_MEMBER(learning.inference_wait_us)),
            "Microseconds that a predictor waits at most until it has a batch; 0: it takes what is there");
  table.add("double-buffering", kPlaying, flag_option(GENKIDAMA_MEMBER(learning.inference.double_buffering)),
            "A worker steps one half of its environments while predictors compute for the other half");
  table.add("tune-seconds", kAlone,
            real_option(kNotNegative, GENKIDAMA_MEMBER(learning.inference.tune_seconds)),
            "Every so many seconds one predictor or worker more or less is tried, and kept if it plays more "
            "steps a second; 0: never. --predictors and --workers are the most; needs --actor-mode "
            "asynchronous");
  table.add("merge-every", kWorking | kSimulation,
            int_option({0, 1e7}, GENKIDAMA_MEMBER(learning.hyperparameters.merge_every)),
            "Optimizer steps of a worker between two merges of --sharing local; 0: at the round's end only, "
            "where the "
            "mean of all workers' changes is taken");
  table.add(
      "max-gradient-age", kWorking | kShard,
      count_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.max_gradient_age)),
      "A gradient of weights that are more optimizer steps old is dropped, at a shard and where a server "
      "applies gradients; 0: none is");
  table.add(
      "max-loss-deviations", kWorking,
      real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.max_loss_deviations)),
      "A worker drops its gradient when the value's loss is more deviations above its mean; 0: it drops "
      "none");
  table.add("epochs", kLearning, int_option({1, 1e6}, GENKIDAMA_MEMBER(learning.hyperparameters.epochs)),
            "Passes of ppo over a round's steps");
  table.add("minibatch-size", kLearning,
            int_option({1, 1e7}, GENKIDAMA_MEMBER(learning.hyperparameters.minibatch_size)),
            "Steps per optimizer step of ppo and of what learns from replay");
  table.add("sequence-length", kLearning,
            int_option({1, 1e7}, GENKIDAMA_MEMBER(learning.hyperparameters.sequence_length)),
            "Steps through which ppo's gradients flow back in a network with --memory, at most");
  table.add("clip-range", kLearning,
            real_option(kPositive, GENKIDAMA_MEMBER(learning.hyperparameters.clip_range)),
            "How far from 1 the probability ratio of ppo counts");
  table.add("clip-range-schedule", kLearning,
            schedule_option(GENKIDAMA_MEMBER(learning.hyperparameters.clip_range_schedule)),
            "linear, cosine: the clip range falls to 0 over the run");
  table.add("value-clip-range", kLearning,
            real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.value_clip_range)),
            "How far a value of ppo counts from what it was when the steps were played; 0: any");
  table.add("target-kl", kLearning,
            real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.target_kl)),
            "Approximate KL divergence above which ppo stops learning from a round; 0: never");
  table.add(
      "vtrace", kLearning, flag_option(GENKIDAMA_MEMBER(learning.hyperparameters.vtrace)),
      "Weigh ppo's steps by how much likelier the policy takes their actions now than when they were played "
      "(V-trace); for steps of an older policy, such as --max-policy-lag lets through");
  table.add("vtrace-rho", kLearning,
            real_option(kPositive, GENKIDAMA_MEMBER(learning.hyperparameters.vtrace_rho)),
            "Up to which a step's weight counts in its own error");
  table.add("vtrace-c", kLearning,
            real_option(kPositive, GENKIDAMA_MEMBER(learning.hyperparameters.vtrace_c)),
            "Up to which a step's weight counts in what later steps bring");
  table.add("log-epsilon", kLearning,
            real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.log_epsilon)),
            "The gradient of ppo is that of log(pi + this), which an improbable action cannot make large "
            "(GA3C)");
  table.add(
      "unroll", kLearning | kActor, int_option({0, 1e8}, GENKIDAMA_MEMBER(learning.hyperparameters.unroll)),
      "Steps of a segment of ppo at most, with the value of what follows; 0: up to the episode's or the "
      "round's end");
  table.add("normalise-advantages", kLearning,
            boolean_option(GENKIDAMA_MEMBER(learning.hyperparameters.normalise_advantages)),
            "Shift and scale the advantages of each minibatch of ppo to mean 0, deviation 1");
  table.add("optimizer", kLearning | kShard, optimizer_option(program),
            "How gradients change the shared weights");
  table.add("learning-rate", kLearning,
            real_option(kPositive, GENKIDAMA_MEMBER(learning.hyperparameters.learning_rate)),
            "Step size of the optimizer");
  table.add("schedule", kLearning, schedule_option(GENKIDAMA_MEMBER(learning.hyperparameters.schedule)),
            "linear, cosine: the learning rate falls to 0 over the run");
  table.add("final-learning-rate", kLearning,
            real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.final_learning_rate)),
            "What the learning rate falls to where there is a schedule");
  table.add("schedule-steps", kLearning,
            count_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.schedule_steps)),
            "Environment steps of one machine at which every schedule ends; 0: --max-steps");
  table.add("momentum", kLearning | kShard,
            real_option(kBelowOne, GENKIDAMA_MEMBER(learning.hyperparameters.momentum)),
            "Of sgd and rmsprop");
  table.add(
      "weight-decay", kLearning | kShard,
      real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.weight_decay)),
      "Times the weight, added to the gradient; adamw takes it, times the learning rate, off the weight");
  table.add("rms-decay", kLearning | kShard,
            real_option(kBelowOne, GENKIDAMA_MEMBER(learning.hyperparameters.rms_decay)),
            "Of rmsprop's mean square");
  table.add("adam-beta1", kLearning | kShard,
            real_option(kBelowOne, GENKIDAMA_MEMBER(learning.hyperparameters.adam_beta1)),
            "Of adam's and adamw's mean");
  table.add("adam-beta2", kLearning | kShard,
            real_option(kBelowOne, GENKIDAMA_MEMBER(learning.hyperparameters.adam_beta2)),
            "Of adam's and adamw's mean square");
  table.add("denominator-epsilon", kLearning | kShard,
            real_option(kPositive, GENKIDAMA_MEMBER(learning.hyperparameters.denominator_epsilon)),
            "Added to the root of the mean square in rmsprop, adam and adamw");
  table.add("max-gradient-norm", kLearning,
            real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.max_gradient_norm)),
            "Longer gradients are cut to this L2 norm; 0: none is");
  table.add(
      "proximal", kLearning, real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.proximal)),
      "mu of FedProx: mu (w - a) is added to each gradient, where a is what this machine last took from "
      "others, and where nobody is, what it began from; 0: nothing is");
}

void add_replay(Table& table) {
  table.group("From replay (dqn, dyna_q, qr_dqn, sac, td3)");
  table.add("replay", kLearning,
            named_option(std::array{ReplayScope::kLocal, ReplayScope::kGlobal}, replay_scope_name,
                         GENKIDAMA_MEMBER(learning.hyperparameters.replay)),
            "Whose steps a worker learns from: local: its own; global: those of all workers of the machine");
  table.add("replay-ratio", kLearning,
            real_option({0, 10'000, true}, GENKIDAMA_MEMBER(learning.hyperparameters.replay_ratio)),
            "Optimizer steps of a worker for each environment step that it plays");
  table.add("learning-starts", kLearning | kActor,
            count_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.learning_starts)),
            "Environment steps of all workers of the machine before the first optimizer step");
  table.add("n-step", kLearning, int_option({1, 1e4}, GENKIDAMA_MEMBER(learning.hyperparameters.n_step)),
            "Rewards of so many steps are summed up in a target");
  table.add("priority-exponent", kLearning,
            real_option(kUnitInterval, GENKIDAMA_MEMBER(learning.hyperparameters.priority_exponent)),
            "How strongly steps with large errors are drawn more often; 0: all alike");
  table.add(
      "importance-exponent", kLearning,
      real_option(kUnitInterval, GENKIDAMA_MEMBER(learning.hyperparameters.importance_exponent)),
      "How much of that the loss takes back by weights, at first; it rises to 1 over the run where there "
      "is a schedule");
  table.add(
      "target-period", kLearning,
      int_option({0, 1e9}, GENKIDAMA_MEMBER(learning.hyperparameters.target_period)),
      "Optimizer steps after which the target network takes the weights; 0: it follows by --target-rate");
  table.add("target-rate", kLearning,
            real_option({0, 1, true}, GENKIDAMA_MEMBER(learning.hyperparameters.target_rate)),
            "How much of the weights the target network takes after each optimizer step");
  table.add("huber-delta", kLearning,
            real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.huber_delta)),
            "Up to this error the loss is its square, and linear beyond; 0: always its square");
  table.add("double-q", kLearning, boolean_option(GENKIDAMA_MEMBER(learning.hyperparameters.double_q)),
            "The weights choose the next action, which the target network values");
  // It shapes the network.
  table.add("dueling", kEverywhere | kShard | kCheck | kSimulation,
            flag_option(GENKIDAMA_MEMBER(learning.hyperparameters.dueling)),
            "The network has a value and an advantage for each action");
  table.add("noisy-layers", kEverywhere | kShard | kCheck | kSimulation,
            flag_option(GENKIDAMA_MEMBER(learning.hyperparameters.noisy_layers)),
            "The network's layers have learnt noise, which explores in epsilon's place");
  table.add("noisy-deviation", kEverywhere | kShard | kCheck | kSimulation,
            real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.noisy_deviation)),
            "Their noise at first: times the root of a layer's inputs, the deviation of its weights");
  table.add("burn-in", kWorking | kSimulation,
            int_option({0, 1e6}, GENKIDAMA_MEMBER(learning.hyperparameters.burn_in)),
            "With --memory: steps before a drawn sequence that bring the memory to what it was");
  table.add("quantiles", kEverywhere | kShard | kCheck | kSimulation,
            int_option({1, 1000}, GENKIDAMA_MEMBER(learning.hyperparameters.quantiles)),
            "Quantiles of each action's return that qr_dqn learns");
  table.add("first-epsilon", kLearning | kActor,
            real_option(kUnitInterval, GENKIDAMA_MEMBER(learning.hyperparameters.first_epsilon)),
            "What epsilon falls from, linearly, to --epsilon over --epsilon-steps");
  table.add(
      "epsilon-steps", kLearning | kActor,
      count_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.epsilon_steps)),
      "Environment steps of the machine over which epsilon falls; 0: it is --epsilon from the beginning");
  table.add("epsilon-ladder", kLearning | kActor,
            real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.epsilon_ladder)),
            "Above 0 workers explore differently: the last one takes epsilon to the power 1 + this; 7 is "
            "Ape-X's");
}

void add_dyna_q(Table& table) {
  table.group("A learnt model of the task (dyna_q)");
  // The first two shape what a run's state holds.
  table.add("model-ensemble", kWorking | kSimulation,
            int_option({1, 100}, GENKIDAMA_MEMBER(learning.hyperparameters.model_ensemble)),
            "Networks that each learn the task; each plays a part of what is imagined");
  table.add("model-units", kWorking | kSimulation,
            int_option({1, 1e4}, GENKIDAMA_MEMBER(learning.hyperparameters.model_units)),
            "Units of each of their two hidden layers");
  table.add("model-learning-rate", kWorking | kSimulation,
            real_option(kPositive, GENKIDAMA_MEMBER(learning.hyperparameters.model_learning_rate)),
            "Learning rate of Adam, with which they learn");
  table.add("model-ratio", kWorking | kSimulation,
            real_option({0, 1000}, GENKIDAMA_MEMBER(learning.hyperparameters.model_ratio)),
            "Optimizer steps of each of them for one of Q on real steps, at most");
  table.add(
      "model-error-limit", kWorking | kSimulation,
      real_option(kPositive, GENKIDAMA_MEMBER(learning.hyperparameters.model_error_limit)),
      "Nothing is imagined while their error on new steps, over that of predicting no change, is above");
  table.add("planning-ratio", kWorking | kSimulation,
            real_option({0, 1000}, GENKIDAMA_MEMBER(learning.hyperparameters.planning_ratio)),
            "Optimizer steps of Q on imagined steps for one on real steps, at most");
  table.add("planning-starts", kWorking | kSimulation,
            count_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.planning_starts)),
            "Environment steps of all workers of the machine before anything is imagined");
  table.add("planning-steps", kWorking | kSimulation,
            int_option({1, 1e7}, GENKIDAMA_MEMBER(learning.hyperparameters.planning_steps)),
            "Steps that are imagined one after the other");
  table.add("planning-epsilon", kWorking | kSimulation,
            real_option(kUnitInterval, GENKIDAMA_MEMBER(learning.hyperparameters.planning_epsilon)),
            "Chance that the first of them takes a random action; the others are greedy");
  table.add("sweeping-exponent", kWorking | kSimulation,
            real_option(kUnitInterval, GENKIDAMA_MEMBER(learning.hyperparameters.sweeping_exponent)),
            "How strongly steps with large errors are preferred to imagine from; 0: all alike");
  table.add("modellers", kWorking,
            int_option({0, 1024}, GENKIDAMA_MEMBER(learning.hyperparameters.modellers)),
            "Processes beside the workers that only learn models; 0: workers do it themselves");
  table.add("planners", kWorking, int_option({0, 1024}, GENKIDAMA_MEMBER(learning.hyperparameters.planners)),
            "Processes beside the workers that only imagine and learn from it; 0: workers do it themselves");
}

void add_critics(Table& table) {
  table.group("Continuous actions from replay (sac, td3)");
  // They shape the network.
  table.add("critics", kEverywhere | kShard | kCheck | kSimulation,
            int_option({1, 1000}, GENKIDAMA_MEMBER(learning.hyperparameters.critics)),
            "Estimates of an action's return");
  table.add("target-critics", kLearning,
            int_option({1, 1000}, GENKIDAMA_MEMBER(learning.hyperparameters.target_critics)),
            "How many of them, drawn at random, make a target");
  table.add("temperature", kEverywhere | kShard | kCheck | kSimulation,
            real_option(kPositive, GENKIDAMA_MEMBER(learning.hyperparameters.temperature)),
            "Weight of sac's entropy at first, in scaled rewards");
  table.add("learn-temperature", kLearning,
            boolean_option(GENKIDAMA_MEMBER(learning.hyperparameters.learn_temperature)),
            "sac learns the temperature, so that the policy keeps --target-entropy");
  table.add("target-entropy", kLearning,
            real_option({-1e3, 1e3}, GENKIDAMA_MEMBER(learning.hyperparameters.target_entropy)),
            "Entropy of sac's policy for each number of an action, in nats");
  table.add("exploration-noise", kLearning | kActor,
            real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.exploration_noise)),
            "Deviation of the noise in td3's actions, where an action's bounds are -1 and 1");
  table.add("target-noise", kLearning,
            real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.target_noise)),
            "The same in the actions of td3's targets");
  table.add("target-noise-limit", kLearning,
            real_option(kNotNegative, GENKIDAMA_MEMBER(learning.hyperparameters.target_noise_limit)),
            "That noise is cut beyond this");
  table.add("policy-period", kLearning,
            int_option({1, 1e6}, GENKIDAMA_MEMBER(learning.hyperparameters.policy_period)),
            "Optimizer steps of td3 for one of its policy");
}

/// They shape the network, and what its outputs mean: a Parent and an evaluation need them too.
void add_actions(Table& table) {
  table.group("Continuous actions");
  table.add(
      "action-bounds", kEverywhere | kShard | kCheck | kSimulation, action_bounds_option(),
      "How a component stays within its bounds: clip gives the environment the nearest value, tanh squashes "
      "what was sampled (evaluate: as the checkpoint says)");
  table.add("deviation", kEverywhere | kShard | kCheck | kSimulation, deviation_option(),
            "Of a component: fixed, a learnt constant; state, from the observation by the network (evaluate: "
            "as the "
            "checkpoint says)");
  table.add(
      "initial-log-deviation", kEverywhere | kShard | kCheck | kSimulation,
      real_option({-20, 20}, GENKIDAMA_MEMBER(learning.hyperparameters.initial_log_deviation)),
      "Natural logarithm of the deviation at first; 0: a deviation of half the range between two bounds");
}

void add_watch(Table& table) {
  table.group("Watch");
  table.add("record", kWatch, file_option(GENKIDAMA_MEMBER(watch.record), "FILE.gif|FILE.svg|DIR/"),
            "Write one episode to this file, which browsers play, or its pictures as SVG files to this new "
            "directory, in place of the terminal");
  table.add(
      "record-demonstrations", kWatch, file_option(GENKIDAMA_MEMBER(watch.demonstrations), "FILE"),
      "Write all episodes to this file, with which train --demonstrations begins; without --human nothing "
      "is shown");
  table.add("human", kWatch, flag_option(GENKIDAMA_MEMBER(watch.human)),
            "Play with the keyboard in place of a policy");
  table.add("speed", kWatch, real_option({0.01, 1000}, GENKIDAMA_MEMBER(watch.speed)),
            "How many times as fast as in the environment's own time");
}

void add_check(Table& table) {
  table.group("Check");
  table.add(
      "try-invalid-actions", kCheck, flag_option(GENKIDAMA_MEMBER(check.try_invalid_actions)),
      "Also give the environment actions out of range, which it must refuse; one without that check may "
      "crash");
}

void add_sweep(Table& table) {
  table.group("Sweep");
  table.add("grid", kSweep,
            texts_option(GENKIDAMA_MEMBER(sweep.grids), "NAME=V1,V2,...", "NAME=VALUE,VALUE,..."),
            "Values of one option of the command; several grids are multiplied");
  table.add("setting", kSweep,
            texts_option(GENKIDAMA_MEMBER(sweep.settings), "NAME=V,NAME=V,...", "NAME=VALUE,NAME=VALUE,..."),
            "Values of some options together; each is multiplied with the grids");
  table.add("seeds", kSweep, text_option(GENKIDAMA_MEMBER(sweep.seeds)),
            "Runs of each setting: 3 for the seeds 1 to 3, or 4-6, or 1,4,7");
  table.add("jobs", kSweep, int_option({1, 4096}, GENKIDAMA_MEMBER(sweep.jobs)), "Runs at a time");
  table.add("budget", kSweep, count_option(kAtLeastOne, GENKIDAMA_MEMBER(sweep.budget)),
            "Environment steps of all runs together; a run that would go beyond is not started");
  table.add("search", kSweep, search_option(),
            "Which settings: all (grid), some that are drawn (random), drawn ones of which the best are "
            "trained on (asha), or those that another program names on standard input (ask)");
  table.add(
      "range", kSweep,
      texts_option(GENKIDAMA_MEMBER(sweep.ranges), "NAME=LOW..HIGH", "NAME=LOW..HIGH or NAME=VALUE,VALUE"),
      "What random and asha draw the value of one option from: LOW..HIGH, LOW..HIGH log, LOW..HIGH int, or "
      "V1,V2,...");
  table.add("trials", kSweep, count_option(kAtLeastOne, GENKIDAMA_MEMBER(sweep.trials)),
            "Settings that a search tries");
  table.add("search-seed", kSweep, count_option(kNotNegative, GENKIDAMA_MEMBER(sweep.search_seed)),
            "Seed of what random and asha draw");
  table.add("min-steps", kSweep, count_option(kNotNegative, GENKIDAMA_MEMBER(sweep.min_steps)),
            "Steps that asha trains every setting to; 0: --max-steps / reduction^3");
  table.add("reduction", kSweep, count_option({2, 1000}, GENKIDAMA_MEMBER(sweep.reduction)),
            "One in so many settings is trained on by asha, to so many times the steps");
  table.add("answer-timeout", kSweep, real_option({0.001, 1e6}, GENKIDAMA_MEMBER(sweep.answer_timeout_s)),
            "Seconds that ask waits for an answer");
}

void add_simulation(Table& table) {
  table.group("Simulation");
  table.add("cut", kSimulate, cut_option(),
            "What crosses between machines: nothing (alone), the weights of Children and their Parent "
            "(weights), the "
            "segments of players and one learner (segments), both in a tree of learners and their Parent "
            "(tree), the "
            "observations and actions of a server and hosts that step its environments (environments), "
            "the gradients of learners and the shards that have the weights (gradients), or the weights of "
            "peers and their neighbours (peers)");
  table.add("machines", kSimulation, int_option({1, 100'000}, GENKIDAMA_MEMBER(simulation.machines)),
            "How many machines there are");
  table.add("groups", kCluster | kSimulate, count_option({1, 100'000}, GENKIDAMA_MEMBER(simulation.groups)),
            fmt::format(
                "cluster, and --cut weights: so many Parents stand between the topmost one and the Children. "
                "--cut tree: how many groups there are, each a learner with its players; must divide "
                "--machines; {} when not given",
                kGroups));
  table.add("group-latency-ms", kSimulation,
            real_option({0, 1e6}, GENKIDAMA_MEMBER(simulation.group_latency_ms)),
            "With groups: milliseconds one way from a group to the Parent (as --latency-ms when not given)");
  table.add("group-bandwidth-mbit", kSimulation,
            real_option({0, 1e9}, GENKIDAMA_MEMBER(simulation.group_bandwidth_mbit)),
            "With groups: megabits a second from a group to the Parent, each way; 0: no limit (as "
            "--bandwidth-mbit when not given)");
  table.add(
      "machine", kSimulation,
      texts_option(GENKIDAMA_MEMBER(simulation.specs), "COUNT:KEY=VALUE,...", "COUNT:KEY=VALUE,..."),
      "So many of them are otherwise, the first ones first: factor, jitter, step-us, gradient-us, "
      "inference-us, steps-per-second, "
      "latency-ms, mbit, link-jitter-ms, packet-loss, connected, partition, joins, leaves, present, away "
      "(seconds), round-steps");
  table.add("slices", kSimulation, count_option({1, 64}, GENKIDAMA_MEMBER(simulation.slices)),
            "Of gradients: how many shards there are, each with a slice of the weights; 1 when not given");
  table.add("step-us", kSimulation, real_option(kNotNegative, GENKIDAMA_MEMBER(simulation.step_us)),
            "Microseconds in which a machine plays an environment step (measured here when not given)");
  table.add("gradient-us", kSimulation, real_option(kNotNegative, GENKIDAMA_MEMBER(simulation.gradient_us)),
            "Microseconds of an optimizer step (measured here when not given)");
  table.add(
      "inference-us", kSimulation, real_option(kNotNegative, GENKIDAMA_MEMBER(simulation.inference_us)),
      "Of a server and its hosts: what of --step-us the policy takes, which the server computes (measured "
      "here together with --step-us; 0 when only that is given)");
  table.add("machine-factor", kSimulation, real_option({1e-6, 1e6}, GENKIDAMA_MEMBER(simulation.factor)),
            "How many times as long a machine takes for both");
  table.add("machine-jitter", kSimulation, real_option({0, 1000}, GENKIDAMA_MEMBER(simulation.jitter)),
            "Each round takes up to this share longer, at random");
  table.add("latency-ms", kSimulation, real_option({0, 1e6}, GENKIDAMA_MEMBER(simulation.latency_ms)),
            "Milliseconds of a link one way, half of what ping tells");
  table.add("bandwidth-mbit", kSimulation, real_option({0, 1e9}, GENKIDAMA_MEMBER(simulation.bandwidth_mbit)),
            "Megabits a second of a link, each way; 0: no limit");
  table.add("link-jitter-ms", kSimulation, real_option({0, 1e6}, GENKIDAMA_MEMBER(simulation.link_jitter_ms)),
            "Each transfer takes up to so many milliseconds longer, at random");
  table.add("packet-loss", kSimulation, real_option({0, 0.5}, GENKIDAMA_MEMBER(simulation.loss)),
            "Share of packets that are lost and sent again");
  table.add(
      "parent-mbit", kSimulation, real_option({0, 1e9}, GENKIDAMA_MEMBER(simulation.parent_mbit)),
      "Megabits a second of the Parent's or learner's own link, for all together, each way; 0: no limit");
  table.add("max-seconds", kSimulation, real_option(kNotNegative, GENKIDAMA_MEMBER(simulation.max_seconds)),
            "End after so many virtual seconds; 0: no limit");
  table.add("runs", kPlan, int_option({1, 1000}, GENKIDAMA_MEMBER(simulation.runs)),
            "Simulations of each way, with seeds that follow each other; the median counts");
  table.add("quadratic", kSimulate, int_option({0, 1e7}, GENKIDAMA_MEMBER(simulation.quadratic)),
            "Minimise a noisy quadratic of so many weights in place of the program's task, on up to 100,000 "
            "machines; "
            "the return is minus its value");
  table.add("noise", kSimulate, real_option(kNotNegative, GENKIDAMA_MEMBER(simulation.noise)),
            "Deviation of each component of the quadratic's gradient");
}

void add_internal(Table& table) {
  OptionRow ready = int_option({0, 1e6}, GENKIDAMA_MEMBER(plumbing.ready_fd));
  ready.hidden = true;
  ready.in_config = false;
  table.add("ready-fd", kParent | kLearner | kPeer, std::move(ready), "");
  OptionRow member = flag_option(GENKIDAMA_MEMBER(plumbing.cluster_member));
  member.hidden = true;
  member.in_config = false;
  table.add("cluster-member", kParent | kLearner, std::move(member), "");
  OptionRow told = flag_option(GENKIDAMA_MEMBER(plumbing.idle_told));
  told.hidden = true;
  told.in_config = false;
  table.add("idle-told", kParent | kLearner | kChild | kActor | kPeer, std::move(told), "");
}

}  // namespace

std::vector<OptionRow> make_option_table(const Program& program) {
  Table table("");
  add_sweep(table);
  add_simulation(table);
  add_links(table);
  add_exchange(table, program);
  add_population(table);
  add_run(table, program);
  add_cloning(table);
  add_ending(table);
  add_results(table);
  add_export(table);
  add_network(table);
  add_hyperparameters(table, program);
  add_replay(table);
  add_dyna_q(table);
  add_critics(table);
  add_actions(table);
  add_watch(table);
  add_check(table);
  add_reading(table);
  add_internal(table);
  std::vector<OptionRow> rows = table.take();
  for (OptionRow& row : own_option_rows(program.options, rows)) rows.push_back(std::move(row));
  return rows;
}

#undef GENKIDAMA_MEMBER

}  // namespace genkidama::cli
