#include "genkidama/env/check_environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "env/draw_action.h"
#include "env/episode_record.h"
#include "env/time_limit.h"
#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/random.h"
#include "genkidama/env/drawing.h"

namespace genkidama {
namespace {

constexpr float kLargeObservation = 100;
constexpr double kLargeReturn = 10'000;
constexpr int kComparedSeeds = 8;
constexpr int kComparedSteps = 200;
constexpr std::uint64_t kActionStream = 99;

/// Ends a check whose remaining parts would make no sense. The reason is in the report already.
struct CheckOver {};

class EnvironmentCheck {
 public:
  EnvironmentCheck(const EnvironmentFactory& make, const EnvironmentCheckOptions& options)
      : make_(make), options_(options) {}

  EnvironmentReport run() {
    try {
      check_spec();
      play_episodes();
      check_same_seed();
      check_drawing();
      check_seeds();
      check_actions();
      check_invalid_actions();
      judge_figures();
    } catch (const CheckOver&) {
    }
    return std::move(report_);
  }

 private:
  using Policy = std::function<std::vector<float>(Observation, ActionMask)>;

  void warn(const char* name, std::string text) { note(false, name, std::move(text)); }
  void fail(const char* name, std::string text) { note(true, name, std::move(text)); }
  [[noreturn]] void give_up(const char* name, std::string text) {
    fail(name, std::move(text));
    throw CheckOver();
  }
  void note(bool is_error, const char* name, std::string text) {
    for (const EnvironmentFinding& known : report_.findings) {
      if (known.name == name) return;
    }
    report_.findings.push_back({is_error, name, std::move(text)});
  }

  /// In a catch block: what was thrown, which need not be a std::exception.
  static std::string thrown_text() {
    try {
      throw;
    } catch (const std::exception& error) {
      return error.what();
    } catch (...) {
      return "something that is no std::exception";
    }
  }

  std::unique_ptr<Environment> make(const EnvironmentContext& context = {}) {
    tell("the factory");
    std::unique_ptr<Environment> environment;
    try {
      if (make_) environment = make_(context);
    } catch (...) {
      give_up("factory", fmt::format("the factory threw an exception: {}", thrown_text()));
    }
    if (!environment) give_up("factory", "the factory is empty or returned nullptr; expected an environment");
    return environment;
  }

  void check_spec() {
    const auto environment = make({0, 0, EnvironmentPurpose::kDescribe});
    tell("spec()");
    report_.spec = environment->spec();
    if (report_.spec.name.empty()) warn("name", "spec().name is empty; run directories and messages use it");
    try {
      report_.spec = completed(report_.spec);
    } catch (const ArgumentError& error) {
      give_up("spec", error.what());
    }
  }

  void check_spec_is_the_same(const Environment& environment) {
    const EnvironmentSpec now = completed(environment.spec());
    const EnvironmentSpec& then = report_.spec;
    if (now.name != then.name || now.observation_shape != then.observation_shape ||
        now.action_space != then.action_space || now.masks_actions != then.masks_actions ||
        now.time_limit != then.time_limit || now.metrics != then.metrics) {
      give_up("spec-changes",
              "spec() is not what it was at first; expected the same for all instances, before and after "
              "episodes");
    }
  }

  void tell(std::string_view call) const {
    if (options_.before_call) options_.before_call(call);
  }

  /// An episode's beginning: the observation is checked and goes into `record`.
  void begin(Environment& environment, std::uint64_t seed, EpisodeRecord& record) {
    if (options_.before_call) tell(fmt::format("reset({})", seed));
    try {
      const Observation observation = environment.reset(seed);
      record.begin(observation, environment.action_mask());
    } catch (...) {
      give_up("exception", fmt::format("reset({}) threw an exception: {}", seed, thrown_text()));
    }
    check_observation(record.observation(), "reset()");
    check_mask(record);
  }

  void check_metrics(std::span<const float> metrics, const EpisodeRecord& record) {
    const auto& names = report_.spec.metrics;
    const bool ends = record.over() || record.steps() >= report_.spec.time_limit;
    if (metrics.empty() && !ends) return;
    if (metrics.size() != names.size()) {
      give_up("metrics", fmt::format("step() gave {} metrics{}; expected {}, as many as spec().metrics names",
                                     metrics.size(), ends ? " at an episode's end" : "", names.size()));
    }
    for (std::size_t i = 0; i < names.size() && ends; ++i) {
      if (!is_finite(metrics[i])) {
        give_up("metrics",
                fmt::format("step() gave {} as metric '{}' at an episode's end; expected a finite number",
                            metrics[i], names[i]));
      }
    }
  }

  static std::string text_of(const std::vector<float>& action) {
    return fmt::format("{}", fmt::join(action, ", "));
  }

  void step(Environment& environment, const std::vector<float>& action, EpisodeRecord& record) {
    if (options_.before_call) {
      tell(fmt::format("step({}), as step {} of its episode", text_of(action), record.steps() + 1));
    }
    std::span<const float> metrics;
    try {
      const StepResult result = environment.step(Action(action));
      metrics = result.metrics;
      record.add(result, result.terminated ? ActionMask() : environment.action_mask());
    } catch (...) {
      give_up("exception", fmt::format("step({}) threw an exception, as step {} of its episode: {}",
                                       text_of(action), record.steps() + 1, thrown_text()));
    }
    check_observation(record.observation(), "step()");
    check_mask(record);
    check_metrics(metrics, record);
    if (!is_finite(record.reward())) {
      give_up("reward-finite",
              fmt::format("step() gave the reward {}; expected a finite number", record.reward()));
    }
    if (record.terminated() && record.truncated()) {
      warn("both-ends",
           "step() reported terminated and truncated at once, which counts as terminated; expected one of "
           "them");
    }
    const bool has_limit = report_.spec.time_limit < kNoTimeLimit;
    if (record.truncated() && !record.terminated() && has_limit && record.steps() < report_.spec.time_limit) {
      warn("early-truncation",
           fmt::format("an episode was truncated after {} steps, before spec().time_limit, which is {}",
                       record.steps(), report_.spec.time_limit));
    }
    if (!record.over() && record.steps() == report_.spec.time_limit) {
      warn("time-limit",
           fmt::format("an episode goes on after spec().time_limit, which is {}; the library truncates "
                       "it there, so the environment should do so too",
                       record.steps()));
      record.stop();
    }
    if (record.steps() >= options_.max_episode_steps) record.stop();
  }

  void check_observation(Observation observation, const char* source) {
    const auto expected = static_cast<std::size_t>(report_.spec.observation_size);
    if (observation.size() != expected) {
      give_up("observation-size", fmt::format("{} gave an observation of {} values; expected {}, which is "
                                              "spec().observation_size",
                                              source, observation.size(), expected));
    }
    for (std::size_t i = 0; i < observation.size(); ++i) {
      if (is_finite(observation[i])) continue;
      give_up("observation-finite",
              fmt::format("{} gave {} as observation value {}; expected a finite number", source,
                          observation[i], i));
    }
  }

  void check_mask(const EpisodeRecord& record) {
    const EnvironmentSpec& spec = report_.spec;
    if (record.terminated() || (record.mask().empty() && !spec.masks_actions)) return;
    if (!spec.masks_actions) {
      give_up("action-mask",
              "action_mask() gave a mask, and spec().masks_actions is not set; expected both or none");
    }
    try {
      check_action_mask("action_mask()", spec.action_space, record.mask());
    } catch (const ArgumentError& error) {
      give_up("action-mask", error.what());
    }
  }

  Policy random_actions(std::uint64_t seed) const {
    return [random = Random(derive_seed(seed, {kActionStream})), space = report_.spec.action_space](
               Observation, ActionMask mask) mutable {
      return allowed_action(space, mask, draw_action(space, random));
    };
  }

  /// The policy that was given, as choices.
  Policy given_policy() const {
    return [this](Observation observation, ActionMask) {
      return std::vector<float>{static_cast<float>(options_.policy(observation))};
    };
  }

  EpisodeRecord episode(Environment& environment, std::uint64_t seed, const Policy& policy,
                        int most_steps = std::numeric_limits<int>::max()) {
    EpisodeRecord record;
    begin(environment, seed, record);
    while (!record.over() && record.steps() < most_steps)
      step(environment, policy(record.observation(), record.mask()), record);
    return record;
  }
  EpisodeRecord episode(Environment& environment, std::uint64_t seed) {
    return episode(environment, seed, random_actions(seed));
  }

  std::uint64_t seed_of(int episode) const {
    return derive_seed(options_.seed, {static_cast<std::uint64_t>(episode)});
  }

  void play_episodes() {
    const auto environment = make();
    for (int i = 0; i < options_.episodes; ++i) {
      const std::uint64_t seed = seed_of(i);
      add_to_figures(episode(*environment, seed, options_.policy ? given_policy() : random_actions(seed)));
    }
    check_spec_is_the_same(*environment);
    check_spec_is_the_same(*make());
  }

  void add_to_figures(const EpisodeRecord& record) {
    const bool first = report_.episodes++ == 0;
    report_.terminated += record.terminated() ? 1 : 0;
    report_.truncated += record.truncated() && !record.terminated() ? 1 : 0;
    report_.steps += static_cast<std::uint64_t>(record.steps());
    const auto widen = [first](auto& low, auto& high, auto lowest, auto highest) {
      low = first ? lowest : std::min(low, lowest);
      high = first ? highest : std::max(high, highest);
    };
    widen(report_.lowest_return, report_.highest_return, record.sum_of_rewards(), record.sum_of_rewards());
    widen(report_.lowest_observation, report_.highest_observation, record.lowest(), record.highest());
    if (record.steps() > 0)
      widen(lowest_reward_, highest_reward_, record.lowest_reward(), record.highest_reward());
  }

  /// The same seed and actions give the same episode: on a fresh instance, on one with a past, and beside
  /// another.
  void check_same_seed() {
    const std::uint64_t seed = seed_of(0), another = seed_of(1);
    const auto first = make();
    const EpisodeRecord expected = episode(*first, seed);
    const auto second = make();
    if (const auto step = episode(*second, seed).first_difference(expected)) {
      fail("same-seed",
           fmt::format("two instances gave different episodes for the same seed and actions, first at "
                       "{}; expected all randomness to follow from the seed of reset()",
                       place(*step)));
      return;  // nothing else can be told apart from this
    }

    episode(*first, another);
    episode(*first, seed_of(2), random_actions(another), 5);  // left in the middle
    if (const auto step = episode(*first, seed).first_difference(expected)) {
      fail("reset",
           fmt::format("an episode was another one after other episodes of the same instance, first at {}; "
                       "expected reset() to forget them, also one that was left in the middle",
                       place(*step)));
    }
    check_beside_another(seed, another, expected);
  }

  void check_beside_another(std::uint64_t seed, std::uint64_t another, const EpisodeRecord& expected) {
    const auto one = make(), other = make({0, 1, EnvironmentPurpose::kTrain});
    const Policy actions = random_actions(seed), other_actions = random_actions(another);
    EpisodeRecord record, beside;
    begin(*one, seed, record);
    begin(*other, another, beside);
    while (!record.over()) {
      step(*one, actions(record.observation(), record.mask()), record);
      if (!beside.over()) step(*other, other_actions(beside.observation(), beside.mask()), beside);
      if (!record.is_observation_unchanged()) {
        fail("shared-state",
             "an observation changed while another instance was played; expected it to stay as it is "
             "until the next reset() or step() of its own environment");
        return;
      }
    }
    if (const auto step = record.first_difference(expected)) {
      fail("shared-state",
           fmt::format("an episode was another one while another instance was played too, first at "
                       "{}; expected instances that share nothing that changes",
                       place(*step)));
    }
  }

  /// What draw() does with each state of an episode, which must be the same as one that is not drawn.
  void check_drawing() {
    const auto drawn = make();
    const std::uint64_t seed = seed_of(0);
    std::string problem;
    const Policy looking = [&, actions = random_actions(seed)](Observation observation, ActionMask mask) {
      draw(*drawn, problem);
      return actions(observation, mask);
    };
    const EpisodeRecord record = episode(*drawn, seed, looking, kComparedSteps);
    if (!problem.empty()) warn("draw", fmt::format("in draw(), {}; what breaks a rule is left out", problem));
    const bool is_told = std::any_of(report_.findings.begin(), report_.findings.end(),
                                     [](const auto& finding) { return finding.name == "same-seed"; });
    if (is_told) return;
    const auto step = record.first_difference(episode(*make(), seed, random_actions(seed), kComparedSteps));
    if (!step) return;
    fail("draw-changes",
         fmt::format("an episode was another one when it was drawn, first at {}; expected draw() "
                     "to change nothing, and to draw nothing random",
                     place(*step)));
  }

  void draw(const Environment& environment, std::string& problem) {
    tell("draw()");
    try {
      const Drawing drawing = drawing_of(environment);
      if (problem.empty()) problem = drawing.problem();
    } catch (...) {
      give_up("exception", fmt::format("draw() threw an exception: {}", thrown_text()));
    }
  }

  static std::string place(int step) { return step == 0 ? "reset()" : fmt::format("step {}", step); }

  void check_seeds() {
    if (!options_.seeds_matter) return;
    const auto environment = make();
    const auto play = [&](int i) {
      // The actions are always the same, so that only the environment can make a difference.
      return episode(*environment, seed_of(i), random_actions(options_.seed), kComparedSteps);
    };
    const EpisodeRecord first = play(0);
    for (int i = 1; i <= kComparedSeeds; ++i) {
      if (play(i).first_difference(first)) return;
    }
    warn("seeds",
         fmt::format("{} seeds gave the same episode for the same actions; expected them to differ, unless "
                     "nothing in the environment is random",
                     kComparedSeeds + 1));
  }

  void check_actions() {
    const std::vector<std::vector<float>> actions = actions_to_compare();
    if (actions.size() < 2) return;
    const auto environment = make();
    for (int i = 0; i < kComparedSeeds; ++i) {
      const auto always = [&](const std::vector<float>& action) {
        const Policy same = [&](Observation, ActionMask mask) {
          return allowed_action(report_.spec.action_space, mask, action);
        };
        return episode(*environment, seed_of(i), same, kComparedSteps);
      };
      const EpisodeRecord first = always(actions.front());
      for (const auto& action : actions) {
        if (always(action).first_difference(first)) return;
      }
    }
    warn("actions", "every action led to the same observations and rewards; there is nothing to learn");
  }

  std::vector<std::vector<float>> actions_to_compare() const {
    const ActionSpace& space = report_.spec.action_space;
    std::vector<std::vector<float>> actions;
    Random random(derive_seed(options_.seed, {kActionStream}));
    const int most = space.is_one_choice() ? std::min(space.choices[0], kComparedSeeds) : kComparedSeeds;
    for (int i = 0; i < most; ++i) {
      actions.push_back(space.is_one_choice() ? std::vector<float>{static_cast<float>(i)}
                                              : draw_action(space, random));
    }
    return actions;
  }

  void check_invalid_actions() {
    if (!options_.try_invalid_actions) return;
    const auto environment = make();
    const ActionSpace& space = report_.spec.action_space;
    Random random(derive_seed(options_.seed, {kActionStream}));
    for (const auto& action : actions_outside(space, random)) {
      EpisodeRecord record;
      begin(*environment, seed_of(0), record);
      if (options_.before_call) tell(fmt::format("step({}), which must be refused", text_of(action)));
      try {
        environment->step(Action(action));
      } catch (const ArgumentError&) {
        continue;
      } catch (const std::exception& error) {
        warn("invalid-action",
             fmt::format("step({}) threw '{}', which is no ArgumentError", text_of(action), error.what()));
        continue;
      }
      warn("invalid-action",
           space.is_one_choice()
               ? fmt::format("step({}) was accepted; expected an ArgumentError, because actions are 0 to {}",
                             text_of(action), space.choices[0] - 1)
               : fmt::format(
                     "step({}) was accepted; expected an ArgumentError, because it lies outside the action "
                     "space: {}",
                     text_of(action), action_space_text(space)));
    }
    const std::uint64_t seed = seed_of(3);
    if (episode(*environment, seed).first_difference(episode(*make(), seed))) {
      fail("reset",
           "an episode was another one after actions that were refused; expected reset() to forget them");
    }
  }

  void judge_figures() {
    if (report_.terminated + report_.truncated == 0) {
      warn("no-end",
           fmt::format("none of {} episodes ended within {} steps; spec().time_limit is {}", report_.episodes,
                       std::min(options_.max_episode_steps, report_.spec.time_limit),
                       time_limit_text(report_.spec)));
    }
    if (report_.lowest_observation == report_.highest_observation) {
      warn("observation-constant",
           fmt::format("every value of every observation is {}; a policy sees nothing",
                       report_.lowest_observation));
    }
    const float largest =
        std::max(std::abs(report_.lowest_observation), std::abs(report_.highest_observation));
    if (largest > kLargeObservation) {
      warn("observation-scale",
           fmt::format("observations hold values up to {:.4g} in size; networks learn best from "
                       "about 1: see make_scaled()",
                       largest));
    }
    // A good policy may well get the same from every episode.
    if (!options_.policy && report_.steps > 0 && lowest_reward_ == highest_reward_ &&
        report_.lowest_return == report_.highest_return) {
      warn("reward-constant",
           fmt::format("every step paid {:.6g} and every episode {:.6g}: no episode was better than another",
                       lowest_reward_, report_.lowest_return));
    }
    const double largest_return = std::max(std::abs(report_.lowest_return), std::abs(report_.highest_return));
    if (largest_return > kLargeReturn) {
      warn("reward-scale", fmt::format("returns are up to {:.4g} in size; scale rewards for learning with "
                                       "Hyperparameters::reward_scale, so that returns are about 1 to 100",
                                       largest_return));
    }
  }

  const EnvironmentFactory& make_;
  const EnvironmentCheckOptions& options_;
  EnvironmentReport report_;
  float lowest_reward_ = std::numeric_limits<float>::infinity();
  float highest_reward_ = -std::numeric_limits<float>::infinity();
};

}  // namespace

bool EnvironmentReport::ok() const {
  return std::none_of(findings.begin(), findings.end(), [](const auto& finding) { return finding.is_error; });
}

EnvironmentReport check_environment(const EnvironmentFactory& make, const EnvironmentCheckOptions& options) {
  for (const auto& [field, value] :
       {std::pair("episodes", options.episodes), std::pair("max_episode_steps", options.max_episode_steps)}) {
    if (value < 1) {
      throw ArgumentError(
          fmt::format("EnvironmentCheckOptions::{} is {}; expected at least 1", field, value));
    }
  }
  return EnvironmentCheck(make, options).run();
}

std::string to_text(const EnvironmentReport& report) {
  const ActionSpace& space = report.spec.action_space;
  const std::string actions = report.spec.action_count > 0 || space.width() == 0
                                  ? fmt::format("{} actions", report.spec.action_count)
                                  : action_space_text(space);
  std::string text = fmt::format("environment  {}, {} observation values, {}, time limit {}\n",
                                 report.spec.name.empty() ? "without a name" : report.spec.name,
                                 report.spec.observation_size, actions, time_limit_text(report.spec));
  if (report.episodes > 0) {
    text += fmt::format(
        "played       {} episodes, {} steps; {} terminated, {} truncated\n"
        "returns      {:.6g} to {:.6g}\nobservations {:.6g} to {:.6g}\n",
        report.episodes, report.steps, report.terminated, report.truncated, report.lowest_return,
        report.highest_return, report.lowest_observation, report.highest_observation);
  }
  for (const EnvironmentFinding& finding : report.findings) {
    text += fmt::format("{} [{}] {}\n", finding.is_error ? "error  " : "warning", finding.name, finding.text);
  }
  if (report.findings.empty()) text += "The environment keeps the contract.\n";
  return text;
}

}  // namespace genkidama
