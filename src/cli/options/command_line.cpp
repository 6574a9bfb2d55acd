#include "cli/options/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <filesystem>
#include <map>
#include <random>
#include <vector>

#include "cli/options/config_file.h"
#include "cli/options/help.h"
#include "cli/options/is_one_of.h"
#include "cli/options/own_options.h"
#include "cli/options/settings_check.h"
#include "core/spelling.h"
#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"
#include "genkidama/core/version.h"
#include "genkidama/env/check_environment.h"
#include "run/directory/run_directory.h"

namespace genkidama::cli {
namespace {

constexpr Command kCommands[] = {kTrain,  kParent,          kChild, kCluster,  kLearner, kActor,  kShard,
                                 kServer, kEnvironmentHost, kPeer,  kEvaluate, kWatch,   kExport, kCompare,
                                 kReport, kCheck,           kSweep, kSimulate, kPlan};

// One option as CLI11 fills it; the meaning of the text is the table's business.
struct Slot {
  const OptionRow* row = nullptr;
  CLI::Option* option = nullptr;
  std::string text;                // of a flag
  std::vector<std::string> texts;  // of all others

  std::vector<std::string> given() const {
    if (option->count() == 0) return {};
    return row->kind == ValueKind::kFlag ? std::vector<std::string>{text} : texts;
  }
};

// Slots do not move once CLI11 holds references to them.
using Slots = std::deque<Slot>;

// The machines of a cluster are started together and by one program, so it can choose how they exchange
// weights. A Parent and a Child by themselves may meet an older one.
ExchangeKind default_exchange(const ResolvedProgram& program, const Preset& preset, Command command) {
  if (command == kLearner || command == kActor) return ExchangeKind::kSegments;
  // Its machines play for one learner too.
  if (command == kCluster && preset.learning == Learning::kCentral) return ExchangeKind::kSegments;
  const bool chooses = command == kCluster || command == kSimulate;
  // The rule merges one Child at a time.
  return chooses && !program.merge_rule ? preset.exchange : ExchangeKind::kEach;
}

// What follows from how weights are exchanged, once that is known.
void take_exchange(const Preset& preset, Settings& settings) {
  const Settings untouched;
  const bool is_shared = (settings.command & (kParent | kChild | kCluster | kSimulate)) != 0;
  const bool makes_rounds = is_shared && settings.links.exchange == ExchangeKind::kRounds &&
                            (settings.command != kSimulate || has_parent(settings.simulation));
  settings.learning.hyperparameters =
      makes_rounds ? run::hyperparameters_for(preset, ExchangeKind::kRounds) : preset.hyperparameters;
  settings.links.outer_optimizer =
      makes_rounds ? preset.rounds.outer_optimizer : untouched.links.outer_optimizer;
  // Of those that play for one learner.
  const bool plays_for_one =
      learning_of(settings) == Learning::kCentral || settings.command == kLearner ||
      (settings.command == kCluster && settings.links.exchange == ExchangeKind::kSegments);
  settings.links.actor_mode = plays_for_one ? preset.actor_mode : untouched.links.actor_mode;
  settings.links.queued_rounds = settings.links.actor_mode == ActorMode::kAsynchronous
                                     ? preset.queued_rounds
                                     : untouched.links.queued_rounds;
}

void take_preset(const ResolvedProgram& program, const Preset& preset, Settings& settings) {
  const Settings untouched;
  settings.learning.replay_capacity = preset.replay_capacity;
  settings.learning.learning = preset.learning;
  settings.learning.inference = preset.inference;
  settings.learning.inference_wait_us = static_cast<std::uint64_t>(preset.inference.wait.count());
  settings.network = mlp_options(preset.network);
  settings.run.greedy = preset.greedy;
  settings.links.alpha = preset.alpha.value_or(untouched.links.alpha);
  settings.links.beta = preset.beta.value_or(untouched.links.beta);
  settings.links.exchange = default_exchange(program, preset, settings.command);
  take_exchange(preset, settings);
}

Settings defaults_of(const ResolvedProgram& program, Command command) {
  Settings settings;
  settings.command = command;
  settings.preset = program.default_preset;
  settings.own = own_defaults(program.options);
  take_preset(program, program.presets.at(program.default_preset), settings);
  // An evaluation alone plays the episodes of a run's final evaluation.
  if (command == kActor) settings.run.eval_episodes = 0;
  if ((command & (kEvaluate | kWatch)) != 0) settings.learning.seed = settings.run.eval_seed;
  if (command == kWatch) settings.evaluate.episodes = 1;
  if (command == kCheck) settings.evaluate.episodes = EnvironmentCheckOptions().episodes;
  return settings;
}

// What a preset says of a run's length holds only where the user says nothing.
void apply_preset_steps(const ResolvedProgram& program, Settings& settings) {
  const auto steps = program.presets.at(settings.preset).max_steps;
  if (!steps || (settings.command & (kAlone | kCluster | kLearner | kSimulation | kPeer)) == 0) return;
  if (!settings.run.max_steps && !settings.run.updates) settings.run.max_steps = steps;
  settings.learning.preset_steps = steps;
}

Settings help_defaults(const ResolvedProgram& program, Command command) {
  Settings settings = defaults_of(program, command);
  apply_preset_steps(program, settings);
  return settings;
}

void add_options(CLI::App& app, const std::vector<OptionRow>& table, const Settings& defaults, Slots& slots) {
  const HelpLayout layout = help_layout();
  for (const OptionRow& row : table) {
    if ((row.commands & defaults.command) == 0) continue;
    Slot& slot = slots.emplace_back();
    slot.row = &row;
    const std::string help = help_text(row, defaults, layout);
    if (row.kind == ValueKind::kFlag) {
      slot.option = app.add_flag(row.flag(), slot.text, help);
    } else {
      slot.option = app.add_option(row.flag(), slot.texts, help);
      if (!row.is_word) slot.option->type_name(row.placeholder);
      // All are taken, so that it is us who say how many are expected.
      const bool is_list =
          row.kind == ValueKind::kTextList && (defaults.command & (kOneLink | kEnvironmentHost)) == 0;
      if (!is_list) slot.option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      // What follows the list of a sweep may be the command of the runs.
      if (!is_list || defaults.command == kSweep) slot.option->allow_extra_args(false);
    }
    slot.option->group(row.hidden ? "" : row.group);
  }
}

std::string flag_value(const Slots& slots, const std::string& name) {
  for (const Slot& slot : slots) {
    if (slot.row->name != name) continue;
    if (const auto given = slot.given(); !given.empty()) return given.front();
  }
  return "";
}

bool flag_given(const Slots& slots, const std::string& name) {
  for (const Slot& slot : slots) {
    if (slot.row->name == name) return slot.option->count() > 0;
  }
  return false;
}

void apply_flags(const Slots& slots, Settings& settings) {
  for (const Slot& slot : slots) {
    const OptionRow& row = *slot.row;
    if (row.kind != ValueKind::kTextList && slot.given().size() > 1) {
      throw ArgumentError(fmt::format("{} is given {} times ('{}'); expected it once: take out all but one",
                                      row.flag(), slot.given().size(), fmt::join(slot.given(), "', '")));
    }
    nlohmann::json list = nlohmann::json::array();
    for (const std::string& text : slot.given()) {
      const auto value = value_from_text(row.kind, text);
      if (!value || !row.set(settings, *value)) {
        throw ArgumentError(fmt::format("{} is '{}'; expected {}", row.flag(), text, row.expected));
      }
      if (row.kind == ValueKind::kTextList) list.push_back(text);
    }
    if (!list.empty()) row.set(settings, list);
  }
}

ConfigFile read_resumed_config(const std::filesystem::path& directory, Command command) {
  std::error_code ignored;
  if (std::filesystem::exists(directory, ignored) && !std::filesystem::is_directory(directory, ignored)) {
    throw ArgumentError(
        fmt::format("--resume {}: this is a file; expected the directory of a run", directory.string()));
  }
  const auto path = directory / "config.json";
  if (!std::filesystem::exists(path, ignored)) {
    if (run::RunDirectory(directory).has_state()) {
      throw ArgumentError(fmt::format(
          "--resume {}: a run is in this directory, but its config.json, which holds its options, is "
          "gone; put it back, or start another run in a new directory",
          directory.string()));
    }
    throw ArgumentError(
        fmt::format("--resume {}: there is no run in this directory (no config.json)", directory.string()));
  }
  ConfigFile config = read_config_file("--resume", path);
  config.is_own = true;
  const std::string made_by = config.values.value("command", "");
  if (made_by != command_name(command)) {
    throw ArgumentError(fmt::format("--resume {}: this run was made by '{}', not by '{}'", directory.string(),
                                    made_by, command_name(command)));
  }
  return config;
}

std::vector<ConfigFile> read_configs(const ResolvedProgram& program, const Slots& slots, Command command) {
  std::vector<ConfigFile> configs;
  // A Parent in a cluster is told everything by flags; the directory's config.json is the cluster's.
  if (const auto directory = flag_value(slots, "resume");
      !directory.empty() && !flag_given(slots, "cluster-member")) {
    configs.push_back(read_resumed_config(directory, command));
  }
  if (const auto path = flag_value(slots, "config"); !path.empty()) {
    configs.push_back(read_config_file("--config", path));
    check_origin(configs.back(), program.name, command);
  }
  return configs;
}

constexpr const char* kOfEach[] = {"alpha", "beta", "overlap"};

bool is_given(const char* name, const Slots& slots, const std::vector<ConfigFile>& configs) {
  return flag_given(slots, name) ||
         std::any_of(configs.begin(), configs.end(),
                     [name](const ConfigFile& config) { return config.values.contains(name); });
}

/// The same for an option whose key may be spelt with - or _.
bool is_given_spelt(const char* name, const Slots& slots, const std::vector<ConfigFile>& configs) {
  for (const ConfigFile& config : configs) {
    for (const auto& [key, unused] : config.values.items()) {
      if (option_spelling(key) == name) return true;
    }
  }
  return flag_given(slots, name);
}

/// Noise explores in the place of the preset's epsilon, unless the user says what epsilon is to be.
void take_noise_for_epsilon(const Slots& slots, const std::vector<ConfigFile>& configs, Settings& settings) {
  Hyperparameters& hyperparameters = settings.learning.hyperparameters;
  const bool is_noisy =
      hyperparameters.noisy_layers && is_one_of(hyperparameters.algorithm, value_algorithms());
  if (!is_noisy || !is_given_spelt("noisy-layers", slots, configs)) return;
  for (const char* const name : {"epsilon", "first-epsilon", "epsilon-steps"}) {
    if (is_given_spelt(name, slots, configs)) return;
  }
  hyperparameters.epsilon = 0;
  hyperparameters.epsilon_steps = 0;
}

/// What the config files and the flags say of one option, the latter above the former.
void apply_early(const char* name, const ResolvedProgram& program, const Slots& slots,
                 const std::vector<ConfigFile>& configs, Settings& settings) {
  for (const ConfigFile& config : configs) {
    if (config.values.contains(name))
      apply_config({config.source, {{name, config.values[name]}}}, program.table, settings);
  }
  for (const Slot& slot : slots) {
    if (slot.row->name != name || slot.option->count() == 0) continue;
    const std::string text = slot.given().front();
    if (!slot.row->set(settings, text)) {
      throw ArgumentError(fmt::format("{} is '{}'; expected {}", slot.row->flag(), text, slot.row->expected));
    }
  }
}

/// A Parent's tables and its state are those of one exchange.
void check_resumed_exchange(const std::vector<ConfigFile>& configs, const Settings& settings) {
  if ((settings.command & (kParent | kCluster)) == 0) return;
  for (const ConfigFile& config : configs) {
    if (!config.is_own || !settings.machine_group.empty()) continue;
    // Runs of before there was another one say nothing.
    const std::string made = config.values.value("exchange", exchange_name(ExchangeKind::kEach));
    const std::string now = exchange_name(settings.links.exchange);
    if (now == made) continue;
    throw ArgumentError(fmt::format(
        "--exchange is '{}'; expected '{}', with which the resumed run was made. A new run begins with its "
        "weights with --init-from and the run's final.safetensors",
        now, made));
  }
}

// A preset's values lie below those of config files, so it must be known before them, and so must the
// exchange, which some of them follow from.
void apply_preset(const ResolvedProgram& program, const Slots& slots, const std::vector<ConfigFile>& configs,
                  Settings& settings) {
  for (const ConfigFile& config : configs) {
    if (config.values.contains("preset")) {
      apply_config({config.source, {{"preset", config.values["preset"]}}}, program.table, settings);
    }
  }
  const std::string recorded = settings.preset;
  for (const Slot& slot : slots) {
    if (slot.row->name != "preset" || slot.option->count() == 0) continue;
    const std::string text = slot.given().front();
    if (!slot.row->set(settings, text)) {
      throw ArgumentError(fmt::format("--preset is '{}'; expected {}", text, slot.row->expected));
    }
  }
  if (!configs.empty() && flag_given(slots, "resume") && settings.preset != recorded) {
    throw ArgumentError(fmt::format("--preset is '{}'; expected '{}', with which the resumed run was made",
                                    settings.preset, recorded));
  }
  const Preset& preset = program.presets.at(settings.preset);
  take_preset(program, preset, settings);
  if (settings.command == kSimulate) apply_early("cut", program, slots, configs, settings);
  // They are of this exchange alone, so whoever gives one means it.
  const bool means_each = std::any_of(std::begin(kOfEach), std::end(kOfEach),
                                      [&](const char* name) { return is_given(name, slots, configs); });
  if (means_each && settings.links.exchange == ExchangeKind::kRounds)
    settings.links.exchange = ExchangeKind::kEach;
  if ((settings.command & kAlone) != 0) apply_early("learning", program, slots, configs, settings);
  if ((settings.command & (kParent | kChild | kCluster | kSimulate)) != 0)
    apply_early("exchange", program, slots, configs, settings);
  if (flag_given(slots, "population")) {
    if (is_given("exchange", slots, configs) && settings.links.exchange != ExchangeKind::kPopulation) {
      throw ArgumentError(
          fmt::format("--population and --exchange {} are both given; leave one of the two out",
                      exchange_name(settings.links.exchange)));
    }
    settings.links.exchange = ExchangeKind::kPopulation;
  }
  if (settings.command == kCluster) {
    apply_early("topology", program, slots, configs, settings);
    // Peers have no Parent, so there are no rounds that they make together.
    const bool is_chosen = is_given("exchange", slots, configs) || flag_given(slots, "population");
    if (!settings.cluster.topology.empty() && !is_chosen) settings.links.exchange = ExchangeKind::kEach;
  }
  check_resumed_exchange(configs, settings);
  take_exchange(preset, settings);
}

// A file of options may come from a stranger; what the command line says too is the user's own word.
void check_trusted_values(const ConfigFile& config, const ResolvedProgram& program, const Slots& slots,
                          const Settings& settings) {
  for (const auto& [key, value] : config.values.items()) {
    const std::string name = option_spelling(key);
    if (flag_given(slots, name)) continue;
    const nlohmann::json read =
        value.is_string() ? nlohmann::json(unescape_bytes(value.get<std::string>())) : value;
    check_trusted(config.source, name, read, program.options, shell_words(settings.command_line));
  }
}

Settings settings_of(const ResolvedProgram& program, const Slots& slots, Command command,
                     const std::vector<std::string>& words) {
  Settings settings = defaults_of(program, command);
  settings.command_line = words;
  const auto configs = read_configs(program, slots, command);
  apply_preset(program, slots, configs, settings);
  // Children, or learners with the same shards, with equal seeds would play the same episodes; the one drawn
  // here is kept in config.json.
  const bool has_shards = command == kTrain && is_given("shards", slots, configs);
  if ((command & kOneLink) != 0 || has_shards) settings.learning.seed = std::random_device{}();
  for (const ConfigFile& config : configs) {
    if (!config.is_own) check_trusted_values(config, program, slots, settings);
    apply_config(config, program.table, settings);
  }
  // A Child has one link: a new one on the command line replaces the one of the config file.
  if ((command & kOneLink) != 0 && (flag_given(slots, "listen") || flag_given(slots, "connect"))) {
    settings.links.listen.clear();
    settings.links.connect.clear();
  }
  apply_flags(slots, settings);
  if (learning_of(settings) == Learning::kCentral && flag_given(slots, "round-end") &&
      settings.learning.hyperparameters.round_end == RoundEnd::kEpisode) {
    throw ArgumentError(
        "--round-end is 'episode' with --learning central, whose rounds end after --round-steps steps; "
        "expected "
        "'step', or leave it out");
  }
  if (!settings.links.shards.empty()) {
    Sharing& sharing = settings.learning.hyperparameters.sharing;
    if (flag_given(slots, "sharing") && sharing != Sharing::kServer) {
      throw ArgumentError(fmt::format(
          "--sharing is '{}' with --shards, whose gradients a server hands over; expected 'server', or leave "
          "it out",
          sharing_name(sharing)));
    }
    if (flag_given(slots, "servers")) {
      throw ArgumentError(fmt::format(
          "--servers is {} with --shards, and the shards apply the gradients; expected one of the two",
          settings.learning.servers));
    }
    sharing = Sharing::kServer;
  }
  take_noise_for_epsilon(slots, configs, settings);
  // A preset's two halves are for what it has besides.
  InferenceOptions& inference = settings.learning.inference;
  if (!is_given_spelt("double-buffering", slots, configs) &&
      (inference.predictors == 0 || settings.learning.hyperparameters.environments_per_worker < 2))
    inference.double_buffering = false;
  apply_preset_steps(program, settings);
  return settings;
}

std::string advice(const ResolvedProgram& program, Command command, const std::string& word) {
  std::vector<std::string> flags;
  for (const OptionRow& row : program.table) {
    if ((row.commands & command) != 0 && !row.hidden) flags.push_back(row.flag());
  }
  return word.rfind("--", 0) == 0 ? did_you_mean(word, flags) : "";
}

// In `--dueling true` the second word belongs to nothing.
std::string switch_advice(const ResolvedProgram& program, const std::string& word, int argc,
                          const char* const* argv) {
  if (word != "true" && word != "false") return "";
  for (int i = 2; i < argc; ++i) {
    if (argv[i] != word) continue;
    for (const OptionRow& row : program.table) {
      if (row.kind == ValueKind::kFlag && row.flag() == argv[i - 1])
        return fmt::format("; this option takes it behind an equals sign: {}={}", row.flag(), word);
    }
  }
  return "";
}

// A value that was meant for no option of ours may be a secret.
std::string without_value(const std::string& word) {
  return word.rfind("--", 0) == 0 ? word.substr(0, word.find('=')) : word;
}

// Of an option that the words end behind, or that another one follows.
std::string no_value_text(const ResolvedProgram& program, const std::string& problem) {
  const std::string flag = problem.substr(0, problem.find(':'));
  for (const OptionRow& row : program.table) {
    if (row.flag() != flag) continue;
    return fmt::format("{} has no value; expected {} {}: {}", flag, flag, row.placeholder, row.expected);
  }
  return problem;
}

// CLI11 takes the next option for the value that is missing.
void check_values(const Slots& slots) {
  const auto is_option = [&slots](const std::string& word) {
    return std::any_of(slots.begin(), slots.end(), [&word](const Slot& slot) {
      return !slot.row->is_word && slot.row->flag() == without_value(word);
    });
  };
  for (const Slot& slot : slots) {
    for (const std::string& text : slot.given()) {
      if (!is_option(text)) continue;
      throw ArgumentError(fmt::format("{} has no value, as '{}' follows; expected {} {}: {}",
                                      slot.row->flag(), without_value(text), slot.row->flag(),
                                      slot.row->placeholder, slot.row->expected));
    }
  }
}

/// The words behind the program's name, the last one first, as CLI11 takes them. "--flag=" becomes two words:
/// for its empty value CLI11 would take the next option.
std::vector<std::string> words_for_parser(int argc, const char* const* argv) {
  std::vector<std::string> words;
  for (int i = argc - 1; i > 0; --i) {
    std::string word = argv[i];
    if (word.rfind("--", 0) == 0 && word.size() > 3 && word.find('=') == word.size() - 1) {
      words.emplace_back();
      word.pop_back();
    }
    words.push_back(std::move(word));
  }
  return words;
}

void parse_words(CLI::App& app, int argc, const char* const* argv, const ResolvedProgram& program) {
  try {
    app.parse(words_for_parser(argc, argv));
  } catch (const CLI::Success&) {
    throw;
  } catch (const CLI::ArgumentMismatch& error) {
    throw ArgumentError(no_value_text(program, error.what()));
  } catch (const CLI::ParseError& error) {
    throw ArgumentError(error.what());
  }
}

bool is_named(const std::string& command, int argc, const char* const* argv) {
  return std::find(argv + 1, argv + argc, command) != argv + argc;
}

bool is_sweep(int argc, const char* const* argv) {
  return argc > 1 && std::string(argv[1]) == command_name(kSweep);
}

// The words of the runs' command are not the sweep's business, so it is no subcommand like the others: those
// would take what follows "train" for themselves.
Settings parse_sweep(int argc, const char* const* argv, const ResolvedProgram& program, CLI::App& app) {
  Slots slots;
  app.footer(help_footer(program, kSweep, help_layout()));
  app.allow_extras();
  add_options(app, program.table, help_defaults(program, kSweep), slots);
  parse_words(app, argc - 1, argv + 1, program);
  check_values(slots);
  Settings settings = settings_of(program, slots, kSweep, {argv, argv + argc});
  settings.sweep.run_words = app.remaining();
  for (const Slot& slot : slots) {
    // These shape runs as well, by their evaluations for --target or --patience.
    const bool is_shared = slot.row->name == "eval-seed" || slot.row->name == "greedy";
    if (is_shared && slot.option->count() > 0) {
      settings.sweep.run_words.push_back(slot.row->flag() + "=" + slot.row->value_text(settings));
    }
  }
  complete_and_check(settings);
  return settings;
}

}  // namespace

std::optional<Settings> parse_command_line(int argc, const char* const* argv, const ResolvedProgram& program,
                                           std::ostream& out) {
  CLI::App app(fmt::format("{} {}: train, average and evaluate agents", program.name, kVersion),
               program.name);
  const HelpLayout layout = help_layout();
  app.get_formatter()->column_width(layout.column);
  app.set_version_flag("--version", kVersion);
  app.footer(
      wrapped("'" + program.name + " COMMAND --help' shows the options of a command.", layout.columns));
  app.allow_extras();
  // A word behind a command is never another one, whatever a run's directory is called.
  app.require_subcommand(0, 1);

  if (is_sweep(argc, argv)) {
    CLI::App sweep(wrapped(command_help(kSweep), layout.columns), program.name + " sweep");
    sweep.get_formatter()->column_width(layout.column);
    try {
      return parse_sweep(argc, argv, program, sweep);
    } catch (const CLI::Success& asked) {
      sweep.exit(asked, out, out);
      return std::nullopt;
    }
  }

  std::map<Command, CLI::App*> commands;
  std::map<Command, Slots> slots;
  for (const Command command : kCommands) {
    // In the list of commands the text stands beside their names, in a command's own help above all.
    const bool named = is_named(command_name(command), argc, argv);
    const std::size_t room = named ? layout.columns : layout.columns - layout.column;
    CLI::App* sub = app.add_subcommand(command_name(command), wrapped(command_help(command), room));
    sub->footer(help_footer(program, command, layout));
    sub->allow_extras();
    if (named) {
      add_options(*sub, program.table, help_defaults(program, command), slots[command]);
    }
    commands[command] = sub;
  }
  for (const auto& [name, help] : program.other_commands) {
    app.add_subcommand(name, wrapped(help, layout.columns - layout.column));
  }

  try {
    parse_words(app, argc, argv, program);
  } catch (const CLI::Success& asked) {
    app.exit(asked, out, out);
    return std::nullopt;
  }

  const auto extras = app.remaining(true);
  for (const auto& [command, sub] : commands) {
    if (!sub->parsed()) continue;
    check_values(slots[command]);
    if (!extras.empty()) {
      const std::string word = without_value(extras.front());
      throw ArgumentError(fmt::format(
          "unknown argument '{}'{}{}; '{} {} --help' lists the options", word, advice(program, command, word),
          switch_advice(program, word, argc, argv), program.name, command_name(command)));
    }
    Settings settings = settings_of(program, slots[command], command, {argv, argv + argc});
    complete_and_check(settings);
    if (program.merge_rule && settings.links.merge.kind != MergeKind::kAverage) {
      throw ArgumentError(
          fmt::format("--merge is '{}', and this program brings a merge rule of its own; "
                      "expected --merge left out",
                      merge_kind_name(settings.links.merge.kind)));
    }
    if (program.merge_rule && settings.links.merge_threads > 1) {
      throw ArgumentError(fmt::format(
          "--merge-threads is {}, and this program brings a merge rule of its own, which needs all "
          "weights for itself; expected --merge-threads left out",
          settings.links.merge_threads));
    }
    return settings;
  }
  std::vector<std::string> names;
  for (const Command command : kCommands) names.emplace_back(command_name(command));
  for (const auto& [name, unused] : program.other_commands) names.push_back(name);
  throw ArgumentError(fmt::format("{}; expected one of {} (see --help)",
                                  extras.empty() ? std::string("no command was given")
                                                 : fmt::format("unknown command '{}'{}", extras.front(),
                                                               did_you_mean(extras.front(), names)),
                                  fmt::join(names, ", ")));
}

std::string option_in(const std::string& word) {
  return word.rfind("--", 0) == 0 ? word.substr(2, word.find('=') - 2) : "";
}

bool names_option(const std::vector<std::string>& words, const std::string& option) {
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& word) { return option_in(word) == option; });
}

}  // namespace genkidama::cli
