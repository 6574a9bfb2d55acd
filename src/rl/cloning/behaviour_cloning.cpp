#include "genkidama/rl/behaviour_cloning.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/nn/shared_optimizer.h"
#include "genkidama/rl/clip_gradient.h"
#include "rl/cloning/demonstrated_steps.h"
#include "rl/cloning/imitation_pass.h"

namespace genkidama {
namespace {

constexpr std::uint64_t kOrder = 2;
constexpr double kLongestGradient = 1;
constexpr std::size_t kMostRowsAtOnce = 1024;

OptimizerOptions adam(double learning_rate) {
  OptimizerOptions options;
  options.optimizer = "adam";
  options.learning_rate = learning_rate;
  options.weight_decay = 0;
  return options;
}

void check(const CloningOptions& options) {
  const auto refuse = [](const char* field, auto value, const char* expected) {
    throw ArgumentError(fmt::format("cloning.{} is {}; expected {}", field, value, expected));
  };
  if (options.epochs < 1) refuse("epochs", options.epochs, "at least 1");
  if (options.patience < 1) refuse("patience", options.patience, "at least 1");
  if (!(options.held_out >= 0 && options.held_out <= 0.5)) refuse("held_out", options.held_out, "0 to 0.5");
  if (options.minibatch_size < 1) refuse("minibatch_size", options.minibatch_size, "at least 1");
  if (!(options.learning_rate > 0) || !is_finite(options.learning_rate))
    refuse("learning_rate", options.learning_rate, "a number above 0");
  if (!(options.value_weight >= 0) || !is_finite(options.value_weight))
    refuse("value_weight", options.value_weight, "a number of at least 0");
  if (!(options.least_deviation > 0 && options.least_deviation <= 1))
    refuse("least_deviation", options.least_deviation, "a number in (0, 1]");
  if (!(options.margin >= 0) || !is_finite(options.margin))
    refuse("margin", options.margin, "a number of at least 0");
}

/// What a pass goes through in its own order: single steps, or sequences of a network with memory.
using Units = std::vector<StepRange>;

/// The loss that a pass is better or worse by.
double judged(const CloningFit& fit, double value_weight) {
  return fit.loss + value_weight * fit.value_error.value_or(0);
}

}  // namespace

class BehaviourCloning::Impl {
 public:
  Impl(const Algorithm& algorithm, const Hyperparameters& hyperparameters, const EnvironmentSpec& environment,
       const Demonstrations& demonstrations, const CloningOptions& options)
      : algorithm_(algorithm),
        hyperparameters_(hyperparameters),
        environment_(completed(environment)),
        options_((check(options), options)),
        demonstrations_(checked(demonstrations)),
        steps_(demonstrations, hyperparameters, options) {
    if (algorithm.make_imitation_loss(environment_, options)) return;
    throw ArgumentError(
        fmt::format("the algorithm '{}' cannot begin with demonstrations; expected one whose "
                    "Algorithm::make_imitation_loss() gives a loss, as those of the library do",
                    hyperparameters.algorithm));
  }

  const RunningStatistics& statistics() const { return steps_.statistics(); }

  std::optional<CloningReport> fit(LocalNetwork& network, const OnCloningEpoch& on_epoch) {
    network.clear_noise();
    ImitationPass pass(algorithm_, environment_, options_, network);
    const auto optimizer = make_shared_optimizer(adam(options_.learning_rate));
    std::vector<float> state(optimizer->state_size(network.weights().size()));
    std::vector<float> best(network.weights().begin(), network.weights().end());
    CloningReport report = first_report();
    report.first = report.held_out = fit_of(pass, network, judging());
    if (on_epoch && !on_epoch({0, report.first, report.first})) return {};
    const bool judges = !steps_.held_out().empty();
    double least = judged(report.first, options_.value_weight);
    for (int epoch = 1; epoch <= options_.epochs; ++epoch) {
      const CloningFit learnt = learn(pass, network, *optimizer, state, epoch, report.optimizer_steps);
      const CloningFit held_out = judges ? fit_of(pass, network, judging()) : learnt;
      report.epochs = epoch;
      const double loss = judged(held_out, options_.value_weight);
      if (!judges || loss < least) {
        least = loss;
        report.best_epoch = epoch;
        report.held_out = held_out;
        std::copy(network.weights().begin(), network.weights().end(), best.begin());
      }
      if (on_epoch && !on_epoch({epoch, learnt, held_out})) return {};
      if (epoch - report.best_epoch >= options_.patience) break;
    }
    std::copy(best.begin(), best.end(), network.weights().begin());
    if (!judges) report.held_out = fit_of(pass, network, judging());
    return report;
  }

 private:
  const Demonstrations& checked(const Demonstrations& demonstrations) const {
    check_demonstrations("the demonstrations", demonstrations);
    check_demonstrated_task("the demonstrations", demonstrations, environment_);
    return demonstrations;
  }

  CloningReport first_report() const {
    CloningReport report;
    report.episodes = demonstrations_.episodes();
    report.steps = demonstrations_.steps();
    report.held_out_episodes = steps_.held_out().size();
    report.mean_return = steps_.mean_return();
    report.statistics = steps_.statistics();
    return report;
  }

  /// The episodes that a fit is judged by.
  const std::vector<StepRange>& judging() const {
    return steps_.held_out().empty() ? steps_.learnt() : steps_.held_out();
  }

  /// One pass over what is learnt from. Returns how well the network has fitted meanwhile.
  CloningFit learn(ImitationPass& pass, LocalNetwork& network, const SharedOptimizer& optimizer,
                   std::span<float> state, int epoch, std::uint64_t& optimizer_steps) {
    const bool has_memory = network.state_size() > 0;
    Units units = has_memory ? sequences(pass, network) : single_steps();
    Random random(derive_seed(options_.seed, {kOrder, static_cast<std::uint64_t>(epoch)}));
    std::vector<std::size_t> order(units.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[static_cast<std::size_t>(random.below(i))]);
    const double done = static_cast<double>(epoch - 1) / options_.epochs;
    FitSums sums;
    for (std::size_t begin = 0; begin < order.size();) {
      begin = gather(units, order, begin, network.state_size());
      pass.forward(columns_, sequences_, sums);
      pass.backward();
      clip_gradient(network.gradient(), kLongestGradient);
      optimizer.step_alone(network.weights(), network.gradient(), state, ++optimizer_steps,
                           options_.learning_rate * (1 - done));
    }
    return sums.fit(options_.value_weight);
  }

  Units single_steps() const {
    Units units;
    for (const StepRange& episode : steps_.learnt()) {
      for (std::size_t t = 0; t < episode.count; ++t) units.push_back({episode.first + t, 1});
    }
    return units;
  }

  /// Episodes in parts of about the same length, with the states that the network has before them now.
  Units sequences(ImitationPass& pass, LocalNetwork& network) {
    const auto longest = static_cast<std::size_t>(hyperparameters_.sequence_length);
    Units units;
    states_.clear();
    FitSums ignored;
    for (const StepRange& episode : steps_.learnt()) {
      of_episode_.resize(episode.count * network.state_size());
      take_episode(episode, network.state_size());
      pass.forward(columns_, sequences_, ignored, of_episode_);
      const std::size_t count = (episode.count + longest - 1) / longest;
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t first = i * episode.count / count;
        units.push_back({episode.first + first, (i + 1) * episode.count / count - first});
        const auto state = std::span(of_episode_).subspan(first * network.state_size(), network.state_size());
        states_.insert(states_.end(), state.begin(), state.end());
      }
    }
    return units;
  }

  void take_episode(const StepRange& episode, std::size_t state_size) {
    rows_.resize(episode.count);
    std::iota(rows_.begin(), rows_.end(), episode.first);
    steps_.gather(rows_, columns_);
    sequences_.lengths = {episode.count};
    sequences_.first_states.assign(state_size, 0.0f);
  }

  /// Fills columns_ with the units from `begin` on until there are enough steps. Returns where the next ones
  /// begin.
  std::size_t gather(const Units& units, std::span<const std::size_t> order, std::size_t begin,
                     std::size_t state_size) {
    rows_.clear();
    sequences_.lengths.clear();
    sequences_.first_states.clear();
    for (; begin < order.size() && rows_.size() < static_cast<std::size_t>(options_.minibatch_size);
         ++begin) {
      const StepRange& unit = units[order[begin]];
      for (std::size_t t = 0; t < unit.count; ++t) rows_.push_back(unit.first + t);
      if (state_size == 0) continue;
      sequences_.lengths.push_back(unit.count);
      const auto state = std::span(states_).subspan(order[begin] * state_size, state_size);
      sequences_.first_states.insert(sequences_.first_states.end(), state.begin(), state.end());
    }
    steps_.gather(rows_, columns_);
    return begin;
  }

  CloningFit fit_of(ImitationPass& pass, LocalNetwork& network, const std::vector<StepRange>& episodes) {
    FitSums sums;
    for (const StepRange& episode : episodes) {
      const std::size_t most = network.state_size() > 0 ? episode.count : kMostRowsAtOnce;
      for (std::size_t first = 0; first < episode.count; first += most) {
        take_episode({episode.first + first, std::min(most, episode.count - first)}, network.state_size());
        pass.forward(columns_, sequences_, sums);
      }
    }
    return sums.fit(options_.value_weight);
  }

  const Algorithm& algorithm_;
  Hyperparameters hyperparameters_;
  EnvironmentSpec environment_;
  CloningOptions options_;
  const Demonstrations& demonstrations_;
  DemonstratedSteps steps_;
  // Of the latest minibatch.
  std::vector<std::size_t> rows_;
  StepColumns columns_;
  SequenceColumns sequences_;
  std::vector<float> states_;      ///< before each sequence, of a network with memory
  std::vector<float> of_episode_;  ///< before each step of an episode
};

BehaviourCloning::BehaviourCloning(const Algorithm& algorithm, const Hyperparameters& hyperparameters,
                                   const EnvironmentSpec& environment, const Demonstrations& demonstrations,
                                   const CloningOptions& options)
    : impl_(std::make_unique<Impl>(algorithm, hyperparameters, environment, demonstrations, options)) {}

BehaviourCloning::~BehaviourCloning() = default;

const RunningStatistics& BehaviourCloning::statistics() const {
  return impl_->statistics();
}

std::optional<CloningReport> BehaviourCloning::fit(LocalNetwork& network, const OnCloningEpoch& on_epoch) {
  return impl_->fit(network, on_epoch);
}

}  // namespace genkidama
