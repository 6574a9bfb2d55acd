#include "rl/algorithms/dyna.h"

#include <fmt/format.h>

#include <algorithm>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/log.h"
#include "genkidama/rl/algorithms.h"

namespace genkidama {
namespace {

// Streams of derive_seed().
constexpr std::uint64_t kFirstModel = 1, kDraws = 2;

// Where a model is about as wrong as is allowed, it may be stopped and used again without end.
constexpr int kMostChangesTold = 6;

constexpr std::size_t kSharedBeforeModel = ModelError::kSharedSize + 2 * WorkShare::kSharedSize;

WorldModelOptions model_options(const Hyperparameters& h, const EnvironmentSpec& environment, int workers) {
  return {.observation = static_cast<std::size_t>(environment.observation_size),
          .actions = environment.action_space.alternatives(),
          .members = h.model_ensemble,
          .units = h.model_units,
          .learning_rate = h.model_learning_rate,
          .is_alone = workers == 1 && h.modellers + h.planners == 0};
}

ImaginationOptions imagination_options(const Hyperparameters& h, const EnvironmentSpec& environment) {
  return {.rows = static_cast<std::size_t>(h.minibatch_size),
          .steps = static_cast<std::size_t>(h.planning_steps),
          .return_steps = static_cast<std::size_t>(h.planning_steps),
          .gamma = h.gamma,
          .epsilon = h.planning_epsilon,
          .actions = environment.action_space.alternatives()};
}

/// A helper has no share of its own in the replay buffer.
Hyperparameters of_part(Hyperparameters h, Dyna::Part part) {
  if (part != Dyna::Part::kWorker) h.replay = ReplayScope::kGlobal;
  return h;
}

std::size_t floats_of_learner(const Hyperparameters& h, std::size_t parameters) {
  return dqn(h)->shared_state_size(parameters);
}

std::unique_ptr<Learner> make_value_learner(const Hyperparameters& h, const LearnerContext& context,
                                            GradientSink& sink, std::span<float> shared) {
  return dqn(h)->make_learner({.environment = context.environment,
                               .network = context.network,
                               .sink = sink,
                               .shared_state = shared,
                               .replay = context.replay,
                               .worker = context.worker,
                               .workers = context.workers});
}

ReplaySamplerOptions sampler_options(const Hyperparameters& h, int worker) {
  return {.core = h.replay == ReplayScope::kLocal ? worker : ReplayBuffer::kAllCores,
          .steps = 1,
          .gamma = 1,
          .stride = 1,
          .bootstrap_truncated = h.bootstrap_truncated};
}

bool are_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return is_finite(value); });
}

}  // namespace

std::size_t Dyna::shared_size(const Hyperparameters& h, const EnvironmentSpec& environment,
                              std::size_t parameters) {
  return floats_of_learner(h, parameters) + kSharedBeforeModel +
         WorldModel::shared_size(model_options(h, environment, 1));
}

Dyna::Shared Dyna::parts_of(const Hyperparameters& h, const LearnerContext& context) {
  std::span<float> rest = context.shared_state;
  const std::size_t size = shared_size(h, context.environment, context.network.weights().size());
  if (rest.size() != size) {
    throw ArgumentError(
        fmt::format("dyna_q was given a shared state of {} floats; expected the {} of shared_state_for()",
                    rest.size(), size));
  }
  const auto take = [&rest](std::size_t floats) {
    const std::span<float> part = rest.first(floats);
    rest = rest.subspan(floats);
    return part;
  };
  Shared shared;
  shared.learner = take(floats_of_learner(h, context.network.weights().size()));
  shared.error = take(ModelError::kSharedSize);
  shared.model_work = take(WorkShare::kSharedSize);
  shared.planning_work = take(WorkShare::kSharedSize);
  shared.model = rest;
  return shared;
}

Dyna::Dyna(const Hyperparameters& hyperparameters, const LearnerContext& context, Part part)
    : Dyna(of_part(hyperparameters, part), context, part, parts_of(hyperparameters, context)) {}

Dyna::Dyna(const Hyperparameters& h, const LearnerContext& context, Part part, const Shared& shared)
    : hyperparameters_(h),
      context_(context),
      part_(part),
      is_alone_(model_options(h, context.environment, context.workers).is_alone),
      sink_(context.sink),
      owned_learner_(make_value_learner(h, context, sink_, shared.learner)),
      learner_(dynamic_cast<ReplayLearner&>(*owned_learner_)),
      error_(shared.error, h.model_error_limit),
      model_work_(shared.model_work, h.model_ratio),
      planning_work_(shared.planning_work, h.planning_ratio),
      model_(shared.model, model_options(h, context.environment, context.workers)),
      imagination_(model_, imagination_options(h, context.environment)),
      greedy_(greedy_choice()) {
  if (context.replay != nullptr) sampler_.emplace(*context.replay, sampler_options(h, context.worker));
}

void Dyna::begin_round(const Random& random) {
  learner_.begin_round(random);
  const std::uint64_t seed = Random(random)();
  random_ = Random(derive_seed(seed, {kDraws}));
  const bool begins = part_ == Part::kWorker && context_.worker == 0;
  if (begins) model_.start(derive_seed(seed, {kFirstModel}));
  model_.read();
  sink_.model_error = static_cast<double>(error_.relative());
}

void Dyna::observe(const Segment& segment) {
  if (!is_alone_) model_.read();
  const auto size = static_cast<std::size_t>(context_.environment.observation_size);
  const std::span<const float> observations = segment.observations, last = segment.last_observation;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const auto after = i + 1 < segment.size() ? observations.subspan((i + 1) * size, size) : last;
    look_at_error(
        model_.observe(observations.subspan(i * size, size), segment.actions[i], segment.rewards[i], after));
  }
}

void Dyna::look_at_error(const WorldModel::Errors& errors) {
  error_.add(errors.model, errors.no_change);
  sink_.model_error = static_cast<double>(error_.relative());
  const ModelError::Change change = error_.look();
  if (change == ModelError::Change::kNone || error_.changes() > kMostChangesTold) return;
  const char* const rest = error_.changes() == kMostChangesTold
                               ? " (further changes are only in metrics.csv: model_error and imagined)"
                               : "";
  switch (change) {
    case ModelError::Change::kNone:
      break;
    case ModelError::Change::kStopped:
      log(LogLevel::kWarning,
          "the world model's error is {:.3g} times that of predicting no change, and {:g} is allowed: "
          "nothing is imagined until it is lower; learning from real steps goes on{}",
          error_.relative(), hyperparameters_.model_error_limit, rest);
      break;
    case ModelError::Change::kResumed:
      log(LogLevel::kInfo,
          "the world model's error is {:.3g} times that of predicting no change: imagining goes on{}",
          error_.relative(), rest);
      break;
  }
}

std::uint64_t Dyna::learn_real(const Segment& segment) {
  learner_.learn_segment(segment);
  return learner_.steps_of_segment();
}

bool Dyna::may_imagine() const {
  return error_.is_used() && context_.sink.environment_steps() >= hyperparameters_.planning_starts;
}

void Dyna::allow() {
  model_work_.count();
  if (may_imagine()) planning_work_.count();
}

bool Dyna::has_enough() const {
  return sampler_ && sampler_->size() >= static_cast<std::size_t>(hyperparameters_.minibatch_size);
}

bool Dyna::learn_model() {
  if (!has_enough() || (!is_alone_ && !model_.read()) || !model_work_.claim()) return false;
  for (std::size_t member = 0; member < model_.members(); ++member) {
    sampler_->sample(random_, static_cast<std::size_t>(hyperparameters_.minibatch_size), drawn_);
    model_.learn(member, drawn_);
  }
  return true;
}

void Dyna::draw_starts() {
  if (hyperparameters_.sweeping_exponent > 0) {
    sampler_->sample_by_priority(random_, imagination_.starts(), 0, drawn_);
  } else {
    sampler_->sample(random_, imagination_.starts(), drawn_);
  }
}

void Dyna::choose(std::span<const float> observations, std::span<float> actions) {
  LocalNetwork& network = context_.network;
  const auto outputs = static_cast<std::size_t>(network.spec().policy);
  outputs_.resize(actions.size() * outputs);
  network.clear_noise();
  network.policy().logits_of_batch(network.weights(), observations, actions.size(), outputs_);
  float unused = 0;
  for (std::size_t i = 0; i < actions.size(); ++i) {
    greedy_->act(std::span<const float>(outputs_).subspan(i * outputs, outputs), {}, Acting::kGreedy, random_,
                 actions.subspan(i, 1), unused);
  }
}

bool Dyna::imagine() {
  if (!has_enough() || !may_imagine() || (!is_alone_ && !model_.read()) || !planning_work_.claim())
    return false;
  if (part_ != Part::kWorker) context_.sink.pull(context_.network.weights());
  draw_starts();
  const auto choose_greedily = [this](std::span<const float> observations, std::span<float> actions) {
    choose(observations, actions);
  };
  imagination_.imagine(drawn_.observations, choose_greedily, random_, imagined_);
  if (!are_finite(imagined_.next_observations) || !are_finite(imagined_.rewards) ||
      !are_finite(imagined_.discounts)) {
    // The next real steps tell how wrong it is.
    return true;
  }
  sink_.model_error = static_cast<double>(error_.relative());
  sink_.is_imagined = true;
  learner_.learn_batch(imagined_, errors_);
  sink_.is_imagined = false;
  write_priorities();
  return true;
}

/// So that what was imagined from is not at once imagined from again. Where real steps are drawn by the same
/// priorities, these are left to them.
void Dyna::write_priorities() {
  if (hyperparameters_.sweeping_exponent == 0 || hyperparameters_.priority_exponent > 0) return;
  errors_.resize(imagination_.starts());
  for (float& error : errors_) error = learner_.priority_of(error);
  sampler_->write_priorities(drawn_, errors_);
}

}  // namespace genkidama
