#include "genkidama/orchestrator/core_orchestrator.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <random>
#include <string>

#include "core/thread_count.h"
#include "genkidama/core/cores.h"
#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/log.h"
#include "genkidama/params/change_average.h"
#include "genkidama/params/segment_limits.h"
#include "genkidama/params/weighted_average.h"
#include "genkidama/rl/algorithms.h"
#include "genkidama/rl/tunable.h"
#include "orchestrator/description.h"
#include "orchestrator/fork_rule.h"
#include "orchestrator/rate_tuner.h"
#include "orchestrator/replay_state.h"
#include "orchestrator/server_states.h"
#include "orchestrator/supervisor.h"
#include "orchestrator/worker_group.h"
#include "rl/normalisation.h"
#include "rl/policy_record.h"
#include "rl/shared_training.h"
#include "rl/worker.h"

namespace genkidama {
namespace {

constexpr Milliseconds kEndTimeout{1'000};
// The most Hyperparameters::environments_per_worker.
constexpr std::size_t kMostEnvironments = 1'024;
// Of all workers together: each look at the queue goes over all of it.
constexpr std::size_t kMostQueuedRounds = 10'000;
// Each worker of each actor has a number.
constexpr std::uint64_t kMostPlaces = 100'000;
// The fields of a state.
constexpr const char* kOptimizerState = "optimizer_state";
constexpr const char* kAlgorithmState = "algorithm_state";
constexpr const char* kOptimizerSteps = "optimizer_steps";
constexpr const char* kLocalSteps = "local_optimizer_steps";
constexpr const char* kTrainerSteps = "trainer_environment_steps";
// Where states of 0.1 have them: a run's own count.
constexpr const char* kRunSteps = "environment_steps";
constexpr const char* kRounds = "rounds";
constexpr const char* kPlays = "orders_to_play";
constexpr const char* kStream = "statistics_stream";
constexpr const char* kOwnStatistics = "own_statistics";
constexpr const char* kOtherStatistics = "other_statistics";
constexpr const char* kStaleGradients = "stale_gradients";
constexpr const char* kOutlierGradients = "outlier_gradients";
constexpr const char* kLostGradients = "lost_gradients";
constexpr const char* kLosses = "losses";
constexpr const char* kAnchor = "proximal_anchor";
// A message to a predictor and back takes less, and a wake-up about as long.
constexpr std::chrono::microseconds kInferenceSpin{20};
constexpr const char* kGivenUp = "training was stopped before the workers had ended their round";
// The supervisor knows how long to wait for whom.
constexpr std::chrono::hours kForEver{24 * 365};

/// A number that no other machine of the run has chosen; not of the seed, which machines may share.
std::uint64_t new_stream() {
  std::random_device device;
  const std::uint64_t bits = (std::uint64_t{device()} << 32) | device();
  return bits >> 11;
}

MomentsShape checked_moments(const MomentsShape& shape, std::size_t state_size) {
  AveragedMoments().begin(shape);
  if (shape.size <= state_size) return shape;
  throw ArgumentError(
      fmt::format("the optimizer's state has {} floats and {} of them are moments; expected at most "
                  "all of them",
                  state_size, shape.size));
}

/// One process or thread learns, or none.
void check_learns_apart(OrchestratorOptions& options) {
  Hyperparameters& hyper = options.hyperparameters;
  const auto refuse = [&options](const std::string& problem) {
    throw ArgumentError(fmt::format("{}, and learning is '{}'", problem, learning_name(options.learning)));
  };
  if (hyper.round_end != RoundEnd::kStep) {
    refuse(fmt::format("round_end is '{}'; expected '{}' where workers do not learn themselves",
                       round_end_name(hyper.round_end), round_end_name(RoundEnd::kStep)));
  }
  if (!options.algorithm && hyper.algorithm == "a3c") {
    refuse(
        "the algorithm is 'a3c', which learns while it plays; expected one that learns from whole rounds, "
        "such as 'ppo'");
  }
  hyper.sharing = Sharing::kHogwild;  // nobody shares
}

/// Workers that play on while the learner learns.
void check_asynchronous(const OrchestratorOptions& options) {
  const std::string what = fmt::format("actor_mode is '{}'", actor_mode_name(options.actor_mode));
  if (options.learning != Learning::kCentral) {
    throw ArgumentError(fmt::format("{}, and learning is '{}'; expected '{}' with it", what,
                                    learning_name(options.learning), learning_name(Learning::kCentral)));
  }
  if (options.mode == WorkerMode::kCaller) {
    throw ArgumentError(what +
                        ", and the caller's thread plays the rounds (WorkerMode::kCaller); expected "
                        "processes or threads, which play while the learner learns");
  }
  if (options.queued_rounds < 1) throw ArgumentError("queued_rounds is 0; expected at least 1");
}

/// Predictors, and what needs them.
void check_inference(const OrchestratorOptions& options) {
  const InferenceOptions& inference = options.inference;
  inference.check();
  const int environments = options.hyperparameters.environments_per_worker;
  if (inference.double_buffering && inference.predictors == 0) {
    throw ArgumentError(
        "double_buffering is set and predictors is 0; expected at least 1, which computes the outputs for "
        "one half of a worker's environments while the other is stepped");
  }
  if (inference.double_buffering && environments < 2) {
    throw ArgumentError(
        fmt::format("double_buffering is set and environments_per_worker is {}; expected at least 2, which "
                    "make two halves",
                    environments));
  }
  if (inference.tune_seconds > 0 &&
      (inference.predictors == 0 || options.actor_mode != ActorMode::kAsynchronous)) {
    throw ArgumentError(fmt::format(
        "tune_seconds is {}, predictors is {} and actor_mode is '{}'; expected predictors and asynchronous "
        "workers, whose numbers it changes",
        inference.tune_seconds, inference.predictors, actor_mode_name(options.actor_mode)));
  }
  if (inference.predictors == 0) return;
  if (options.mode == WorkerMode::kCaller) {
    throw ArgumentError(fmt::format(
        "predictors is {}; expected 0 where the caller's thread plays the rounds (WorkerMode::kCaller)",
        inference.predictors));
  }
  if (options.learning == Learning::kGiven) {
    throw ArgumentError(fmt::format("predictors is {}, and learning is '{}'; expected 0 where nobody plays",
                                    inference.predictors, learning_name(options.learning)));
  }
}

/// Of an algorithm that learns from a replay buffer.
void check_replay(const OrchestratorOptions& options, const EnvironmentSpec& environment) {
  const Hyperparameters& hyper = options.hyperparameters;
  const std::string what = "the algorithm learns from a replay buffer";
  const bool is_given = options.learning == Learning::kGiven;
  // The workers of a learner only evaluate, but it learns.
  if (options.purpose != EnvironmentPurpose::kTrain && !is_given) return;
  if (options.learning != Learning::kWorkers && environment.masks_actions) {
    throw ArgumentError(fmt::format(
        "{}, environment '{}' masks actions, and learning is '{}'; expected '{}', where the buffer knows the "
        "masks after a step",
        what, environment.name, learning_name(options.learning), learning_name(Learning::kWorkers)));
  }
  const auto least = static_cast<std::size_t>(hyper.minibatch_size);
  if (options.learning == Learning::kElsewhere) {
    if (options.replay_capacity > 0) {
      throw ArgumentError(fmt::format(
          "{}, which its learner has, and replay_capacity is {}; expected 0 where workers play for a learner "
          "elsewhere",
          what, options.replay_capacity));
    }
  } else if (options.replay_capacity < least) {
    throw ArgumentError(fmt::format(
        "{}, and replay_capacity is {}; expected at least minibatch_size, {} steps, and rather {}", what,
        options.replay_capacity, least,
        std::max<std::size_t>(100'000, 10 * static_cast<std::size_t>(least))));
  }
  if (hyper.normalise_observations || hyper.normalise_rewards) {
    throw ArgumentError(fmt::format(
        "{}, which holds what the environment gave, and normalise_{} is set; expected neither "
        "normalise_observations nor normalise_rewards: scale in the environment, and use reward_scale",
        what, hyper.normalise_observations ? "observations" : "rewards"));
  }
}

/// Weights that live at shards.
void check_shards(const OrchestratorOptions& options) {
  const Hyperparameters& hyper = options.hyperparameters;
  if (hyper.sharing != Sharing::kServer) {
    throw ArgumentError(
        fmt::format("sharing is '{}', and the weights live at shards; expected 'server', whose process hands "
                    "gradients to them",
                    sharing_name(hyper.sharing)));
  }
  if (hyper.proximal > 0) {
    throw ArgumentError(
        fmt::format("proximal is {}, and the weights live at shards; expected 0, for there is nothing that "
                    "this machine takes from others and could move away from",
                    hyper.proximal));
  }
  if (options.learning != Learning::kWorkers) {
    throw ArgumentError(
        fmt::format("learning is '{}', and the weights live at shards; expected '{}', where each worker has "
                    "gradients",
                    learning_name(options.learning), learning_name(Learning::kWorkers)));
  }
  if (hyper.normalise_observations || hyper.normalise_rewards) {
    throw ArgumentError(fmt::format(
        "normalise_{} is set, and the weights live at shards, whose learners would each normalise "
        "in another way; expected neither normalise_observations nor normalise_rewards",
        hyper.normalise_observations ? "observations" : "rewards"));
  }
}

/// Of one that does not.
void check_no_replay(const OrchestratorOptions& options) {
  if (options.learning == Learning::kWorkers || options.replay_capacity == 0) return;
  throw ArgumentError(
      fmt::format("replay_capacity is {}, the algorithm does not learn from a replay buffer, and learning is "
                  "'{}'; expected 0 where workers do not learn themselves",
                  options.replay_capacity, learning_name(options.learning)));
}

OrchestratorOptions completed(OrchestratorOptions options) {
  const bool is_called = options.mode == WorkerMode::kCaller;
  if (options.workers == 0) options.workers = is_called ? 1 : usable_cores();
  if (options.workers < 0) {
    throw ArgumentError(
        fmt::format("{} workers; expected at least 1, or 0 for one per core", options.workers));
  }
  if (options.worker_timeout <= Milliseconds{0}) throw ArgumentError("worker_timeout must be above 0");
  if (options.construction_timeout <= Milliseconds{0})
    throw ArgumentError("construction_timeout must be above 0");
  if (options.max_crashes_per_minute < 0) {
    throw ArgumentError(
        fmt::format("{} crashes a minute are allowed; expected at least 0", options.max_crashes_per_minute));
  }
  if (!is_finite(options.steps_per_second) || options.steps_per_second < 0) {
    throw ArgumentError(
        fmt::format("steps_per_second is {}; expected a number of at least 0", options.steps_per_second));
  }
  options.hyperparameters.check();
  if (options.shards) check_shards(options);
  if (options.learning != Learning::kWorkers) check_learns_apart(options);
  if (options.actor_mode == ActorMode::kAsynchronous) check_asynchronous(options);
  check_inference(options);
  if (is_called && options.workers != 1) {
    throw ArgumentError(
        fmt::format("{} workers; expected 1 where the caller's thread plays the rounds (WorkerMode::kCaller)",
                    options.workers));
  }
  if (options.servers < 1 || options.servers > static_cast<int>(kMostShards))
    throw ArgumentError(fmt::format("servers is {}; expected 1 to {}", options.servers, kMostShards));
  if (options.hyperparameters.sharing != Sharing::kServer || options.shards) options.servers = 1;
  if (is_called && options.hyperparameters.sharing == Sharing::kServer) {
    throw ArgumentError(
        "sharing is 'server', which needs a process or a thread beside the worker; expected another one "
        "where "
        "the caller's thread plays the rounds (WorkerMode::kCaller)");
  }
  if (!options.optimizer) options.optimizer = make_shared_optimizer;
  if (!options.algorithm) options.algorithm = make_algorithm;
  return options;
}

}  // namespace

class CoreOrchestrator::Impl {
 public:
  Impl(EnvironmentFactory environment, NetworkFactory network, OrchestratorOptions given)
      : options_(completed(std::move(given))), setup_{std::move(environment),    std::move(network),
                                                      options_.optimizer,        options_.algorithm,
                                                      options_.hyperparameters,  options_.seed,
                                                      options_.environment_spec, options_.purpose,
                                                      options_.steps_per_second, options_.device} {
    if (!setup_.environment) throw ArgumentError("no environment factory was given");
    if (!setup_.network) throw ArgumentError("no network factory was given");
    const bool forks = options_.mode == WorkerMode::kProcesses;
    const auto algorithm = make_algorithm_of(setup_);
    const bool has_replay = algorithm->learns_from_replay();
    if (!has_replay) check_no_replay(options_);
    if (has_replay && !options_.describe_only) check_replay(options_, {});
    description_ = forks
                       ? describe_in_forked_process(setup_, {options_.construction_timeout, options_.give_up})
                       : describe_here(setup_);
    // Behind what is simply wrong, such as a device that is not there: a user looks at the first line.
    if (forks) warn_if_threads_are_running();
    if (has_replay && !options_.describe_only) check_replay(options_, description_.environment);
    if (normalises()) {
      own_ = {new_stream(), RunningStatistics(statistics_components())};
      others_ = own_.statistics;
    }
    const auto optimizer = options_.optimizer(setup_.hyperparameters);
    // That of shards is theirs.
    const bool at_shards = static_cast<bool>(options_.shards);
    const auto state_size = at_shards ? 0 : optimizer->state_size(layout().size());
    if (!at_shards) moments_shape_ = checked_moments(optimizer->moments_shape(layout().size()), state_size);
    check_servers(options_.servers, *optimizer, layout().size());
    const Sharing sharing = options_.hyperparameters.sharing;
    const int helpers = helpers_of(*algorithm);
    shared_ = std::make_unique<SharedTraining>(
        options_.workers, sharing, layout().size(), state_size,
        algorithm->shared_state_for(description_.environment, layout().size()), options_.replay_capacity,
        own_.statistics.values().size(), description_.environment, options_.learning,
        options_.hyperparameters.priorities_exponent() > 0, helpers, at_shards, options_.servers,
        predictors());
    if (predictors() > 0) make_room_for_inference();
    if (options_.learning != Learning::kWorkers) make_room_for_segments();
    if (options_.hyperparameters.round_end == RoundEnd::kStep) make_room_for_unfinished_episodes();
    if (options_.hyperparameters.proximal > 0) {
      shared_->anchor = SharedArray<float>(layout().size(), "the proximal term's anchor");
    }
    write_played_weights(description_.weights);
    publish_normalisation();
    setup_.described = description_.environment;
    if (at_shards) setup_.shards = [this] { return options_.shards({layout(), policy_description()}); };
    if (options_.describe_only) return;
    if (options_.mode == WorkerMode::kCaller) {
      called_ = make_called_worker(setup_, *shared_);
      return;
    }
    const auto body = [this](int index, const std::function<bool()>& lead_alive) {
      run_worker(setup_, *shared_, index, lead_alive);
    };
    const int threads = forks ? thread_count() : 1;
    workers_ =
        start_workers(options_.mode, shared_->members(), body, [this] { shared_->barrier.wake_lead(); });
    const SupervisorLimits limits{options_.worker_timeout, options_.construction_timeout,
                                  options_.max_crashes_per_minute};
    supervisor_ =
        std::make_unique<Supervisor>(*shared_, *workers_, limits, description_.environment.name, threads);
    try {
      wait_for_workers();
    } catch (...) {
      end_workers();
      throw;
    }
  }

  ~Impl() { end_workers(); }

  const ParameterLayout& layout() const { return description_.layout; }
  PolicyDescription policy_description() const {
    const Hyperparameters& hyper = options_.hyperparameters;
    const Normalisation normalisation{
        hyper.normalise_observations, hyper.normalise_rewards, hyper.observation_clip, {}};
    return {description_.network, description_.behaviour, normalisation_description(normalisation)};
  }

  void write_weights(std::span<const float> in) {
    write_played_weights(in);
    set_anchor(in);
  }

  void write_played_weights(std::span<const float> in) {
    check_size(in.size());
    if (const auto at = first_non_finite(in); at != in.size()) {
      throw ArgumentError(fmt::format("weight {} is {}; expected finite values", at, in[at]));
    }
    relaxed_store(shared_->weights.span(), in);
  }

  void read_weights(std::span<float> out) const {
    check_size(out.size());
    relaxed_load(shared_->weights.span(), out);
  }

  const MomentsShape& moments_shape() const { return moments_shape_; }

  void read_moments(OptimizerMoments& out) const {
    out.steps = shared_->counters[0].optimizer_steps;
    if (shared_->local_steps.size() > 0)
      out.steps = *std::max_element(shared_->local_steps.span().begin(), shared_->local_steps.span().end());
    if (options_.servers > 1) {
      out.values.resize(optimizer_floats());
      read_optimizer_states(out.values);
      out.values.resize(moments_shape_.size);
      return;
    }
    out.values.resize(moments_shape_.size);
    const std::size_t states = optimizer_states();
    if (states == 1) {
      relaxed_load(shared_->optimizer_state.span().first(moments_shape_.size), out.values);
      return;
    }
    std::vector<std::vector<float>> copies(states, std::vector<float>(moments_shape_.size));
    std::vector<WeightedChange> all;
    for (std::size_t i = 0; i < states; ++i) {
      relaxed_load(shared_->optimizer_state.span().subspan(i * optimizer_floats(), moments_shape_.size),
                   copies[i]);
      all.push_back({copies[i], 1, 1});
    }
    average_changes(all, out.values);
  }

  void write_moments(const OptimizerMoments& in) {
    if (const std::string fault = moments_fault(moments_shape_, in.values); !fault.empty())
      throw ArgumentError(fault);
    if (options_.servers > 1) {
      std::vector<float> state(optimizer_floats());
      read_optimizer_states(state);
      std::copy(in.values.begin(), in.values.end(), state.begin());
      write_optimizer_state(0, state);
    } else {
      for (std::size_t i = 0; i < optimizer_states(); ++i)
        relaxed_store(shared_->optimizer_state.span().subspan(i * optimizer_floats(), in.values.size()),
                      in.values);
    }
    for (std::uint64_t& steps : shared_->local_steps.span()) steps = in.steps;
    if (shared_->local_steps.size() == 0) shared_->counters[0].optimizer_steps = in.steps;
  }

  std::vector<NamedValue> tunable() const {
    std::vector<NamedValue> values;
    for (const std::string_view name : tunable_names())
      values.push_back({std::string(name), *tunable_field(options_.hyperparameters, name)});
    return values;
  }

  void tune(std::span<const NamedValue> values) {
    Hyperparameters hyper = options_.hyperparameters;
    bool is_changed = false;
    for (const NamedValue& each : values) {
      double* const field = tunable_field(hyper, each.name);
      if (field == nullptr) {
        throw ArgumentError(fmt::format("'{}' cannot change while a run is trained; expected one of {}",
                                        each.name, fmt::join(tunable_names(), ", ")));
      }
      is_changed = is_changed || *field != each.value;
      *field = each.value;
    }
    hyper.check();
    if (!is_changed) return;
    shared_->tuned[0].take(hyper);
    options_.hyperparameters = std::move(hyper);
  }

  RoundReport train_round() {
    const bool central = options_.learning == Learning::kCentral;
    if (!central && options_.learning != Learning::kWorkers) {
      throw ArgumentError(fmt::format("this trainer does not both play and learn: learning is '{}'",
                                      learning_name(options_.learning)));
    }
    if (is_asynchronous()) return train_while_playing();
    const RoundStart start = start_of_round();
    RoundReport round = play(central ? most_round_steps() : configured_round_steps());
    if (central) learn(/*begins=*/true, /*ends=*/true, rows_stored());
    return completed_round(std::move(round), start);
  }

  RoundReport play_round(std::uint64_t steps, std::vector<Segment>& segments) {
    if (options_.learning != Learning::kElsewhere) {
      throw ArgumentError(fmt::format("this trainer does not play for a learner elsewhere: learning is '{}'",
                                      learning_name(options_.learning)));
    }
    const RoundStart start = start_of_round();
    const auto workers = static_cast<std::uint64_t>(options_.workers);
    RoundReport round =
        play(std::clamp<std::uint64_t>((steps + workers - 1) / workers, 1, most_round_steps()));
    segments.clear();
    for (std::size_t part = 0; part < shared_->segments->parts(); ++part) {
      shared_->segments->for_each(part, [&](const Segment& segment) { segments.push_back(segment); });
    }
    return completed_round(std::move(round), start);
  }

  void follow_run(const ActorPlace& place) {
    if (options_.learning != Learning::kElsewhere) return;
    if (place.place >= place.places || place.places > kMostPlaces) {
      throw ArgumentError(
          fmt::format("place {} among {} actors; expected one below their number, and at most {}",
                      place.place, place.places, kMostPlaces));
    }
    place_ = place;
    shared_->counters[0].environment_steps = place.run_steps;
  }

  RoundReport learn_round(std::span<const Segment> segments, std::uint64_t steps) {
    if (options_.learning != Learning::kGiven) {
      throw ArgumentError(fmt::format("this trainer does not learn from segments of others: learning is '{}'",
                                      learning_name(options_.learning)));
    }
    check_fit(segments);
    const RoundStart start = start_of_round();
    // They are learnt from by the schedules' clock before the first optimizer step, as in a round that is
    // played here.
    shared_->counters[0].environment_steps += steps;
    const std::uint64_t rows = rows_stored();
    bool is_whole = false;
    while (!is_whole) is_whole = learn(segments, rows);
    RoundReport round;
    round.cut_short = shared_->counters[0].cut_round;
    return completed_round(std::move(round), start);
  }

  SegmentShape segment_shape() const {
    const EnvironmentSpec& spec = description_.environment;
    return {.observation = observation_size(),
            .action = spec.action_space.width(),
            .alternatives = spec.masks_actions ? spec.action_space.alternatives() : 0,
            .state = description_.state_size,
            .metrics = spec.metrics.size()};
  }

  std::vector<EpisodeResult> evaluate(const EvaluationRequest& request) {
    if (request.episodes < 1) {
      throw ArgumentError(fmt::format("{} evaluation episodes; expected at least 1", request.episodes));
    }
    std::vector<EpisodeResult> results;
    const auto total = static_cast<std::uint32_t>(request.episodes);
    while (results.size() < total) {
      WorkerOrder order;
      order.command = WorkerCommand::kEvaluate;
      order.evaluation_seed = request.seed;
      order.first_episode = request.first_episode + results.size();
      order.episode_count = std::min(kEvaluationChunk, total - static_cast<std::uint32_t>(results.size()));
      order.greedy = request.greedy;
      const auto chunk = shared_->evaluation.span().first(order.episode_count);
      for (EvaluatedEpisode& episode : chunk) episode.done = false;
      // Once, unless a worker died over an episode.
      do {
        shared_->counters[0].next_episode = 0;
        episodes_evaluated_ = results.size();
        carry_out(order);
      } while (
          !std::all_of(chunk.begin(), chunk.end(), [](const auto& episode) { return episode.done.load(); }));
      for (const EvaluatedEpisode& episode : chunk) results.push_back(episode.result.result());
    }
    warn_of_endless(results);
    return results;
  }

  void save(StateWriter& state) const {
    const auto save_shared = [&state](const char* name, std::span<const float> shared) {
      relaxed_load(shared, state.floats(name, {static_cast<std::int64_t>(shared.size())}));
    };
    const std::size_t optimizer_size = shared_->optimizer_state.size();
    read_optimizer_states(state.floats(kOptimizerState, {static_cast<std::int64_t>(optimizer_size)}));
    save_shared(kAlgorithmState, shared_->algorithm_state.span());
    state.u64(kOptimizerSteps, shared_->counters[0].optimizer_steps);
    state.u64s(kLocalSteps, shared_->local_steps.span());
    state.u64(kTrainerSteps, shared_->counters[0].environment_steps);
    state.u64(kRounds, rounds_);
    save_dropped_gradients(state);
    if (has_anchor_) save_shared(kAnchor, shared_->anchor.span());
    if (is_asynchronous()) state.u64(kPlays, plays_);
    if (normalises()) {
      state.u64(kStream, own_.stream);
      state.f64s(kOwnStatistics, own_.statistics.values());
      state.f64s(kOtherStatistics, others_.values());
    }
    if (shared_->replay) save_replay(state, *shared_->replay, rows_in_state());
    if (shared_->unfinished) shared_->unfinished->save(state);
  }

  void restore(const StateReader& state) {
    // Everything is read and checked before anything is changed; the unfinished episodes check before they
    // change, and nothing fails after them.
    const auto optimizer = saved_optimizer_states(state);
    const auto algorithm = state.floats(kAlgorithmState, shared_->algorithm_state.size());
    const std::uint64_t optimizer_steps = state.u64(kOptimizerSteps);
    const std::vector<std::uint64_t> local_steps = state.u64s(kLocalSteps);
    const std::uint64_t environment_steps =
        state.has(kTrainerSteps) ? state.u64(kTrainerSteps) : state.u64(kRunSteps);
    const std::uint64_t rounds = state.u64(kRounds);
    const std::vector<double> losses = state.f64s(kLosses);
    const DroppedGradients dropped{state.u64_or(kStaleGradients, 0), state.u64_or(kOutlierGradients, 0),
                                   state.u64_or(kLostGradients, 0)};
    // At least so many, in a run whose workers have waited so far.
    const std::uint64_t plays = state.has(kPlays) ? state.u64(kPlays) : rounds;
    const bool has_anchor = shared_->anchor.size() > 0 && state.has(kAnchor);
    const auto anchor = has_anchor ? state.floats(kAnchor, shared_->anchor.size()) : std::span<const float>();
    const SavedReplay replay(state);
    if (shared_->replay) replay.check_fits(*shared_->replay);
    NumberedStatistics own = own_;
    RunningStatistics others = others_;
    if (normalises() && state.has(kStream)) {
      own = {state.u64(kStream), read_statistics(state, kOwnStatistics)};
      others = read_statistics(state, kOtherStatistics);
    }

    if (shared_->unfinished) {
      shared_->unfinished->restore(state);
    } else {
      UnfinishedEpisodes::leave_out(state);
    }
    // Workers beyond those that were saved begin with the state of one that was, and so do all of them when
    // one state was shared.
    const std::size_t floats = optimizer_floats();
    for (std::size_t i = 0; floats > 0 && i < shared_->optimizer_state.size() / floats; ++i) {
      write_optimizer_state(i, optimizer.subspan(i * floats % optimizer.size(), floats));
    }
    for (std::size_t i = 0; i < shared_->local_steps.size(); ++i)
      shared_->local_steps[i] = local_steps.empty() ? optimizer_steps : local_steps[i % local_steps.size()];
    relaxed_store(shared_->algorithm_state.span(), algorithm);
    shared_->counters[0].optimizer_steps = optimizer_steps;
    shared_->counters[0].environment_steps = environment_steps;
    restore_dropped_gradients(dropped, losses);
    // Without one in the state: what the next round begins from.
    has_anchor_ = false;
    if (has_anchor) set_anchor(anchor);
    rounds_ = rounds;
    plays_ = plays;
    if (shared_->slots) shared_->slots->reset();
    own_ = std::move(own);
    others_ = std::move(others);
    publish_normalisation();
    for (int i = 0; shared_->replay && i < shared_->replay->cores(); ++i) {
      const auto worker = static_cast<std::size_t>(i);
      shared_->replay->restore(i, worker < replay.size() ? replay.share(worker) : ReplayShare());
    }
  }

  const EnvironmentSpec& environment_spec() const { return description_.environment; }
  const Hyperparameters& hyperparameters() const { return options_.hyperparameters; }
  Learning learning() const { return options_.learning; }
  bool has_shards() const { return static_cast<bool>(options_.shards); }
  int servers() const { return shared_->gradient_servers; }
  DroppedGradients dropped_gradients() const {
    const SharedCounters& counters = shared_->counters[0];
    return {counters.stale_gradients, counters.outlier_gradients, counters.lost_gradients};
  }
  ActorMode actor_mode() const { return options_.actor_mode; }
  const InferenceOptions& inference() const { return options_.inference; }
  int active_predictors() const { return tuner_ ? tuner_->setting().predictors : predictors(); }
  int active_workers() const { return tuner_ ? tuner_->setting().workers : options_.workers; }
  std::map<std::string, std::string> policy_metadata() const {
    const auto used = normalisation();
    const bool is_used = used.statistics.count() > 0 && (used.observations || used.rewards);
    return to_metadata({.environment = description_.environment.name,
                        .network = description_.network,
                        .sizes = description_.sizes,
                        .action_width = description_.environment.action_space.width(),
                        .actions = description_.environment.action_space,
                        .behaviour = description_.behaviour,
                        .normalisation = is_used ? std::optional(used) : std::nullopt});
  }
  std::size_t statistics_components() const {
    return normalises() ? Normalisation::components(observation_size()) : 0;
  }
  const NumberedStatistics& own_statistics() const { return own_; }
  void write_other_statistics(const RunningStatistics& others) {
    if (others.components() != statistics_components()) {
      throw ArgumentError(fmt::format("statistics of {} components were given; this trainer has {}",
                                      others.components(), statistics_components()));
    }
    others_ = others;
    publish_normalisation();
  }
  std::optional<CloningReport> clone(const Demonstrations& demonstrations, const CloningOptions& options,
                                     const OnCloningEpoch& on_epoch) {
    if (has_shards()) {
      throw ArgumentError(
          "demonstrations are given, and the weights live at shards; expected weights that live "
          "on this machine");
    }
    const auto algorithm = make_algorithm_of(setup_);
    LocalNetwork network = make_local_network(setup_, *algorithm, description_.environment, "cpu");
    read_weights(network.weights());
    BehaviourCloning cloning(*algorithm, options_.hyperparameters, description_.environment, demonstrations,
                             options);
    auto report = cloning.fit(network, on_epoch);
    if (!report) return report;
    write_weights(network.weights());
    if (normalises()) write_other_statistics(cloning.statistics());
    return report;
  }
  void normalise_as(const std::map<std::string, std::string>& metadata) {
    const PolicyRecord record = policy_record("the policy", metadata);
    check_statistics_fit("the policy", record, observation_size());
    played_ = record.normalisation.value_or(Normalisation());
    publish_normalisation();
  }
  int workers() const { return workers_ || called_ ? options_.workers : 0; }
  std::uint64_t rounds() const { return rounds_; }
  std::uint64_t environment_steps() const { return shared_->counters[0].environment_steps; }
  const ReplayBuffer* replay_buffer() const { return shared_->replay ? &*shared_->replay : nullptr; }
  RoundProgress round_progress() const {
    RoundProgress progress;
    const WorkerOrder& order = shared_->order[0];
    if (order.command == WorkerCommand::kEvaluate) {
      const auto taken = shared_->counters[0].next_episode.load();
      progress.evaluation = true;
      progress.so_far.episodes = episodes_evaluated_ + std::min<std::uint64_t>(taken, order.episode_count);
      return progress;
    }
    for (const WorkerReport& report : shared_->reports.span()) {
      progress.so_far += Played{report.environment_steps.get(), report.episode_count.get()};
    }
    progress.optimizer_steps = shared_->counters[0].optimizer_steps - optimizer_steps_before_;
    return progress;
  }
  std::vector<int> worker_pids() const { return workers_ ? workers_->pids() : std::vector<int>(); }
  std::uint64_t worker_restarts() const { return supervisor_ ? supervisor_->restarts() : 0; }
  const std::string& failure() const { return failure_; }

 private:
  /// Once: the next evaluations are the same.
  void warn_of_endless(const std::vector<EpisodeResult>& episodes) {
    const EnvironmentSpec& spec = description_.environment;
    const std::uint32_t longest = longest_training_episode(spec.observation_size);
    if (told_of_endless_ || static_cast<std::uint32_t>(spec.time_limit) <= longest) return;
    const auto cut = std::count_if(episodes.begin(), episodes.end(), [&](const auto& each) {
      return each.truncated && each.length >= longest;
    });
    if (cut == 0) return;
    told_of_endless_ = true;
    log(LogLevel::kWarning,
        "{} of {} evaluated episodes of '{}' had no end and were cut after {} steps, as in training; "
        "expected "
        "episodes that end: set a time limit (time_limit in the environment's spec)",
        cut, episodes.size(), spec.name, longest);
  }

  struct RoundStart {
    std::uint64_t environment_steps = 0;
    std::uint64_t optimizer_steps = 0;
    DroppedGradients dropped;
  };

  /// Nothing where there is no proximal term.
  void set_anchor(std::span<const float> weights) {
    if (shared_->anchor.size() == 0) return;
    std::copy(weights.begin(), weights.end(), shared_->anchor.span().begin());
    has_anchor_ = true;
  }

  RoundStart start_of_round() {
    if (!has_anchor_ && shared_->anchor.size() > 0) {
      relaxed_load(shared_->weights.span(), shared_->anchor.span());
      has_anchor_ = true;
    }
    const SharedCounters& counters = shared_->counters[0];
    return {counters.environment_steps, counters.optimizer_steps, dropped_gradients()};
  }

  /// Nothing where nothing can be dropped.
  void save_dropped_gradients(StateWriter& state) const {
    const Hyperparameters& hyper = options_.hyperparameters;
    const DroppedGradients dropped = dropped_gradients();
    if (hyper.max_gradient_age > 0 || dropped.stale > 0) state.u64(kStaleGradients, dropped.stale);
    if (options_.shards || dropped.lost > 0) state.u64(kLostGradients, dropped.lost);
    if (hyper.max_loss_deviations == 0) return;
    state.u64(kOutlierGradients, dropped.outliers);
    std::vector<double> numbers;
    for (const LossWatch& each : shared_->losses.span())
      numbers.insert(numbers.end(), {static_cast<double>(each.losses), each.mean, each.variance});
    state.f64s(kLosses, numbers);
  }

  /// Workers beyond those that were saved begin to watch anew.
  void restore_dropped_gradients(const DroppedGradients& dropped, const std::vector<double>& losses) {
    SharedCounters& counters = shared_->counters[0];
    counters.stale_gradients = dropped.stale;
    counters.outlier_gradients = dropped.outliers;
    counters.lost_gradients = dropped.lost;
    for (std::size_t i = 0; i < shared_->losses.size(); ++i) {
      LossWatch& watch = shared_->losses[i];
      watch = {};
      if (losses.size() < 3 * (i + 1)) continue;
      watch = {static_cast<std::uint64_t>(losses[3 * i]), losses[3 * i + 1], losses[3 * i + 2]};
    }
  }

  /// Lets every worker play `round_steps` steps, or whole episodes up to there, and learn unless another one
  /// does. The report has the episodes.
  RoundReport play(std::uint64_t round_steps) {
    WorkerOrder order;
    order.command = WorkerCommand::kTrain;
    order.round = rounds_;
    order.play = rounds_;
    order.round_steps = round_steps;
    return play(order);
  }

  RoundReport play(WorkerOrder order) {
    order.is_normalised = statistics().count() > 0;
    order.active_predictors = active_predictors();
    order.active_workers = active_workers();
    order.first_worker = static_cast<int>(place_.place) * options_.workers;
    order.all_workers = static_cast<int>(place_.places) * options_.workers;
    order.first_row = rows_stored();
    carry_out(order);
    count_round();
    RoundReport round;
    round.cut_short = shared_->counters[0].cut_round;
    for (const WorkerReport& report : shared_->reports.span()) {
      for (std::uint64_t i = 0; i < report.episode_count.get(); ++i) {
        round.episodes.push_back(report.episodes[i].result());
      }
      round.lost_episodes += report.lost_episodes.get();
      round.inference_batches += report.inference_batches.get();
      round.inference_rows += report.inference_rows.get();
    }
    return round;
  }

  /// Rows that were ever in the replay buffer of a learner apart from the workers.
  std::uint64_t rows_stored() const {
    return shared_->replay && shared_->segments ? shared_->replay->stored(0) : 0;
  }

  bool is_asynchronous() const { return options_.actor_mode == ActorMode::kAsynchronous; }

  /// A round of asynchronous workers.
  RoundReport train_while_playing() {
    const RoundStart start = start_of_round();
    if (normalises() && statistics().count() == 0) {
      // It only counts what to normalise with.
      return completed_round(play(most_round_steps()), start);
    }
    RoundReport round;
    while (!round.cut_short && shared_->slots->queued_steps() < configured_round_steps())
      play_on(WorkerCommand::kTrain, round);
    SegmentCounts counts = claim_segments();
    shared_->counters[0].environment_steps += counts.learnt_steps;
    play_on(WorkerCommand::kTrainAndLearn, round);
    shared_->slots->release();
    const std::uint64_t dropped = shared_->slots->dropped_steps();
    counts.queue_dropped_steps = dropped - std::exchange(told_dropped_steps_, dropped);
    round.segments = counts;
    round.queued_steps = shared_->slots->queued_steps();
    if (tuner_) tuner_->take(counts.learnt_steps, Clock::now());
    return completed_round(std::move(round), start);
  }

  /// Lets workers play until enough is queued, or until the learner has learnt.
  void play_on(WorkerCommand command, RoundReport& round) {
    relaxed_load(shared_->weights.span(), shared_->played_weights.span());
    shared_->slots->go_on();
    WorkerOrder order;
    order.command = command;
    order.round = rounds_;
    order.play = plays_++;
    order.round_steps = most_round_steps();
    if (command == WorkerCommand::kTrain) order.enough_steps = configured_round_steps();
    RoundReport played = play(order);
    std::move(played.episodes.begin(), played.episodes.end(), std::back_inserter(round.episodes));
    round.lost_episodes += played.lost_episodes;
    round.inference_batches += played.inference_batches;
    round.inference_rows += played.inference_rows;
    round.cut_short |= played.cut_short;
  }

  /// What the learner learns from next is its own; the counts leave out what is too old.
  SegmentCounts claim_segments() {
    shared_->slots->claim(configured_round_steps());
    SegmentCounts counts;
    for (const std::size_t slot : shared_->slots->claimed()) {
      shared_->segments->for_each_head(slot, [&](std::uint64_t version, std::uint64_t steps) {
        counts.take_segment(steps, rounds_ - version, options_.max_policy_lag);
      });
    }
    return counts;
  }

  /// Lets the central learner take what is in the store.
  void learn(bool begins, bool ends, std::uint64_t first_row) {
    WorkerOrder order;
    order.command = WorkerCommand::kLearn;
    order.round = rounds_;
    order.first_row = first_row;
    order.begins = begins;
    order.ends = ends;
    carry_out(order);
  }

  /// Hands the segments to the central learner, as many at once as the store has room for. Whether one
  /// learner has had all of them: one that died between two orders took with it what it had of the first.
  bool learn(std::span<const Segment> segments, std::uint64_t rows) {
    SegmentStore& store = *shared_->segments;
    const std::uint64_t restarts = worker_restarts();
    bool begins = true;
    std::uint64_t steps = 0;
    store.clear(0);
    for (const Segment& segment : segments) {
      if (!store.has_room(0, segment)) {
        learn(std::exchange(begins, false), /*ends=*/false, rows);
        rows += std::exchange(steps, 0);
        store.clear(0);
      }
      store.add(0, segment);
      steps += segment.size();
    }
    const bool at_once = begins;
    learn(begins, /*ends=*/true, rows);
    return at_once || worker_restarts() == restarts;
  }

  /// After the last order of a round.
  RoundReport completed_round(RoundReport round, const RoundStart& start) {
    ++rounds_;
    const SharedCounters& counters = shared_->counters[0];
    // Not what the reports say: a worker that died has learnt too.
    round.steps_in_round = counters.environment_steps - start.environment_steps;
    round.optimizer_steps = counters.optimizer_steps - start.optimizer_steps;
    round.stale_gradients = counters.stale_gradients - start.dropped.stale;
    round.outlier_gradients = counters.outlier_gradients - start.dropped.outliers;
    round.lost_gradients = counters.lost_gradients - start.dropped.lost;
    round.worker_restarts = worker_restarts() - std::exchange(told_restarts_, worker_restarts());
    std::uint64_t steps = 0;
    for (const WorkerReport& report : shared_->reports.span()) {
      steps += report.optimizer_steps;
      round.policy_loss += report.learning.policy_loss;
      round.value_loss += report.learning.value_loss;
      round.entropy += report.learning.entropy;
      round.approximate_kl += report.learning.approximate_kl;
      round.clip_fraction += report.learning.clip_fraction;
      round.explained_variance += report.learning.explained_variance;
      round.gradient_norm += report.learning.gradient_norm;
      round.deviation += report.learning.deviation;
      round.model_error += report.learning.model_error;
      round.imagined += report.learning.imagined;
      round.learning_rate += report.learning_rate;
    }
    const auto divisor = static_cast<double>(std::max<std::uint64_t>(steps, 1));
    for (double* sum : {&round.policy_loss, &round.value_loss, &round.entropy, &round.approximate_kl,
                        &round.clip_fraction, &round.explained_variance, &round.gradient_norm,
                        &round.deviation, &round.model_error, &round.imagined, &round.learning_rate}) {
      *sum /= divisor;
    }
    round.metrics = metric_means(description_.environment.metrics, round.episodes);
    return round;
  }

  void check_fit(std::span<const Segment> segments) const {
    const SegmentShape shape = segment_shape();
    for (const Segment& segment : segments) {
      if (shape.fits(segment) && segment.size() > 0 && segment.size() <= most_segment_steps()) continue;
      throw ArgumentError(
          fmt::format("a segment of {} steps with {} observation values; expected 1 to {} steps of {} each, "
                      "and every column of that many rows",
                      segment.size(), segment.observations.size(), most_segment_steps(), shape.observation));
    }
  }

  std::uint64_t configured_round_steps() const {
    return static_cast<std::uint64_t>(options_.hyperparameters.round_steps);
  }
  /// Of one worker, where a round's steps are those of all workers together.
  std::uint64_t most_round_steps() const {
    const auto workers = static_cast<std::uint64_t>(options_.workers);
    return (configured_round_steps() + workers - 1) / workers;
  }
  /// Learning::kGiven: of one segment.
  std::size_t most_segment_steps() const { return configured_round_steps() + kMostEnvironments; }

  /// An actor that plays alone sends a whole round.
  void check_round_size() const {
    const SegmentShape shape = segment_shape();
    const std::size_t step = shape.step_bytes();
    if (configured_round_steps() <= kMostSegmentBytes / step) return;
    throw ArgumentError(
        fmt::format("round_steps is {}, whose segments take {:.3g} GB in this environment; expected at most "
                    "{}, the {:.3g} "
                    "GB that an actor sends at once",
                    configured_round_steps(),
                    1e-9 * static_cast<double>(step) * static_cast<double>(configured_round_steps()),
                    kMostSegmentBytes / step, 1e-9 * static_cast<double>(kMostSegmentBytes)));
  }

  void make_room_for_segments() {
    if (options_.learning != Learning::kCentral) check_round_size();
    const Hyperparameters& hyper = options_.hyperparameters;
    const bool given = options_.learning == Learning::kGiven;
    const auto environments = static_cast<std::size_t>(hyper.environments_per_worker);
    const std::size_t workers = static_cast<std::size_t>(options_.workers);
    // A round ends with the step of all environments that brings enough.
    const std::size_t steps = given ? most_segment_steps() : most_round_steps() + environments;
    // Where episodes end, where rounds do, and where segments are long enough: four steps at least.
    const std::size_t segments = std::min(steps, kEpisodesPerRound + 2 * environments + steps / 4);
    if (!is_asynchronous()) {
      shared_->segments.emplace(given ? 1 : workers, segment_shape(), steps, segments);
      return;
    }
    // What workers fill, what the learner learns from, and the queue.
    if (options_.queued_rounds > kMostQueuedRounds / workers) {
      throw ArgumentError(fmt::format("queued_rounds is {} with {} workers; expected at most {}",
                                      options_.queued_rounds, workers, kMostQueuedRounds / workers));
    }
    const std::size_t slots = workers * (static_cast<std::size_t>(options_.queued_rounds) + 2);
    // A segment ends, too, where the learner has learnt.
    shared_->segments.emplace(slots, segment_shape(), steps, steps);
    shared_->slots.emplace(slots);
    shared_->played_weights = SharedArray<float>(layout().size(), "weights to play with");
    shared_->when_full = options_.when_full;
    shared_->max_policy_lag = options_.max_policy_lag;
  }

  /// Those of a trainer that trains.
  int helpers_of(const Algorithm& algorithm) const {
    const bool trains = options_.purpose == EnvironmentPurpose::kTrain && !options_.describe_only;
    if (options_.learning != Learning::kWorkers && algorithm.helpers() > 0) {
      throw ArgumentError(
          fmt::format("helpers of the algorithm: {}, and learning is '{}'; expected 0 where workers do not "
                      "learn themselves",
                      algorithm.helpers(), learning_name(options_.learning)));
    }
    const int helpers = trains && options_.learning == Learning::kWorkers ? algorithm.helpers() : 0;
    if (helpers < 0)
      throw ArgumentError(fmt::format("an algorithm with {} helpers; expected at least 0", helpers));
    if (helpers > 0 && options_.mode == WorkerMode::kCaller) {
      throw ArgumentError(
          fmt::format("helpers of the algorithm: {}; expected 0 where the caller's thread plays the rounds "
                      "(WorkerMode::kCaller)",
                      helpers));
    }
    return helpers;
  }

  /// Those of a trainer that trains.
  int predictors() const {
    const bool trains = options_.purpose == EnvironmentPurpose::kTrain && !options_.describe_only;
    return trains ? options_.inference.predictors : 0;
  }

  void make_room_for_inference() {
    const auto environments = static_cast<std::size_t>(options_.hyperparameters.environments_per_worker);
    const std::size_t groups = options_.inference.double_buffering ? 2 : 1;
    const InferenceSlots::Shape shape{.rows = (environments + groups - 1) / groups,
                                      .observation = observation_size(),
                                      .state = description_.state_size,
                                      .outputs = static_cast<std::size_t>(description_.sizes.policy)};
    // Whoever spins takes a core.
    const bool has_cores = options_.workers + predictors() <= usable_cores();
    shared_->inference.emplace(groups * static_cast<std::size_t>(options_.workers), shape, predictors(),
                               has_cores ? kInferenceSpin : Clock::duration{});
    shared_->inference_options = options_.inference;
    if (options_.inference.tune_seconds == 0) return;
    const RateTuner::Setting most{predictors(), options_.workers};
    tuner_.emplace(options_.inference.tune_seconds, most, options_.seed);
  }

  std::size_t observation_size() const {
    return static_cast<std::size_t>(description_.environment.observation_size);
  }

  bool normalises() const {
    const Hyperparameters& hyper = options_.hyperparameters;
    return hyper.normalise_observations || hyper.normalise_rewards;
  }

  /// Own and others'.
  RunningStatistics statistics() const {
    RunningStatistics all = own_.statistics;
    all.merge(others_);
    return all;
  }

  Normalisation normalisation() const {
    if (played_) return *played_;
    const Hyperparameters& hyper = options_.hyperparameters;
    return {hyper.normalise_observations, hyper.normalise_rewards, hyper.observation_clip, statistics()};
  }

  /// Before the next order.
  void publish_normalisation() { Normaliser::write(normalisation(), shared_->normaliser.span()); }

  /// After a round.
  void count_round() {
    if (!normalises()) return;
    for (int i = 0; i < options_.workers; ++i)
      own_.statistics.merge(RunningStatistics(std::span<const double>(shared_->statistics_of(i))));
    publish_normalisation();
  }

  void make_room_for_unfinished_episodes() {
    const EnvironmentSpec& spec = description_.environment;
    const auto slots = static_cast<std::size_t>(options_.workers) *
                       static_cast<std::size_t>(options_.hyperparameters.environments_per_worker);
    const std::size_t longest =
        std::min({static_cast<std::size_t>(spec.time_limit), UnfinishedEpisodes::kMostActions,
                  static_cast<std::size_t>(longest_training_episode(spec.observation_size))});
    shared_->unfinished.emplace(
        slots, UnfinishedEpisodes::Sizes{longest, spec.action_space.width(), observation_size(),
                                         description_.state_size});
  }

  /// How many optimizer states there are, one after the other.
  std::size_t optimizer_states() const { return std::max<std::size_t>(shared_->local_steps.size(), 1); }
  std::size_t optimizer_floats() const { return shared_->optimizer_state.size() / optimizer_states(); }

  /// All states, each as an optimizer of all weights has it.
  void read_optimizer_states(std::span<float> out) const {
    relaxed_load(shared_->optimizer_state.span(), out);
    if (options_.servers == 1) return;
    const std::vector<float> of_servers(out.begin(), out.end());
    server_states_to_blocks(of_servers, layout().size(), options_.servers, out);
  }

  /// The state with this index, as an optimizer of all weights has it.
  void write_optimizer_state(std::size_t index, std::span<const float> in) {
    const std::span<float> state = shared_->optimizer_state.span().subspan(index * in.size(), in.size());
    if (options_.servers == 1) return relaxed_store(state, in);
    std::vector<float> of_servers(in.size());
    blocks_to_server_states(in, layout().size(), options_.servers, of_servers);
    relaxed_store(state, of_servers);
  }

  /// One state, or one after the other of several workers.
  std::span<const float> saved_optimizer_states(const StateReader& state) const {
    const std::size_t states = std::max<std::size_t>(state.u64s(kLocalSteps).size(), 1);
    return state.floats(kOptimizerState, states * optimizer_floats());
  }

  RunningStatistics read_statistics(const StateReader& state, const char* name) const {
    const std::vector<double> values = state.f64s(name);
    if (values.size() != own_.statistics.values().size()) {
      throw LayoutError(
          fmt::format("{} holds '{}' of {} numbers; observations of this environment have statistics of {}",
                      state.source(), name, values.size(), own_.statistics.values().size()));
    }
    if (const std::string wrong = RunningStatistics::fault(values); !wrong.empty())
      throw FormatError(fmt::format("{}: '{}': {}", state.source(), name, wrong));
    return RunningStatistics(values);
  }

  void check_size(std::size_t size) const {
    if (size != layout().size()) {
      throw ArgumentError(fmt::format("{} weights given; this network has {}", size, layout().size()));
    }
  }

  std::size_t rows_in_state() const {
    const ReplayBuffer& replay = *shared_->replay;
    return std::min(replay.capacity(),
                    kMaxReplayValuesInState / replay.row_size() / static_cast<std::size_t>(replay.cores()));
  }

  /// All workers are at the barrier before and after.
  void carry_out(const WorkerOrder& order) {
    if (given_up_) throw StoppedError(kGivenUp);
    if (!failure_.empty()) throw_failure();
    if (!workers_ && !called_) {
      throw ArgumentError(
          "this trainer has no workers to play a round or an evaluation: it was made with describe_only");
    }
    shared_->order[0] = order;
    shared_->counters[0].cut_round = false;
    // Read before the workers begin anew, and not by them: a replacement starts again from zero. What was
    // played still counts while it is learnt from.
    for (WorkerReport& report : shared_->reports.span()) {
      if (order.command == WorkerCommand::kLearn) break;
      report.environment_steps.reset();
      report.episode_count.reset();
      report.lost_episodes.reset();
    }
    if (order.command != WorkerCommand::kLearn) {
      optimizer_steps_before_ = shared_->counters[0].optimizer_steps;
    }
    if (called_) {
      call_worker(order);
      return;
    }
    shared_->barrier.release();
    wait_for_workers();
  }

  /// What the worker throws becomes what a worker's process reports.
  void call_worker(const WorkerOrder& order) {
    try {
      called_(order);
      return;
    } catch (const std::exception& error) {
      failure_ = error.what();
    } catch (...) {
      failure_ = "something was thrown that is no std::exception";
    }
    failure_ = fmt::format("{} failed: {}", worker_name(0, 1), failure_.substr(0, failure_.find('\n')));
    throw_failure();
  }

  void wait_for_workers() {
    supervisor_->begin();
    const auto arrival = shared_->barrier.wait_for_all(Deadline::after(kForEver), [this] { return look(); });
    if (arrival.complete) {
      supervisor_->end();
      return;
    }
    if (given_up_) {
      // The caller has files to write, and needs the cores for that. A thread would have to be waited for.
      if (options_.mode == WorkerMode::kProcesses) end_workers();
      throw StoppedError(kGivenUp);
    }
    failure_ = arrival.problem;
    throw_failure();
  }

  [[noreturn]] void throw_failure() const {
    // Before the first order there is nothing to keep, and an evaluation changes nothing.
    const WorkerCommand command = shared_->order[0].command;
    const bool trains = command == WorkerCommand::kTrain || command == WorkerCommand::kLearn ||
                        command == WorkerCommand::kTrainAndLearn;
    throw WorkerError(failure_ + (trains ? "; training stopped, the weights are kept" : ""));
  }

  std::optional<std::string> look() {
    given_up_ = options_.give_up && options_.give_up();
    if (given_up_) return kGivenUp;
    if (options_.cut_round && options_.cut_round()) shared_->counters[0].cut_round = true;
    if (options_.on_wait && shared_->order[0].command != WorkerCommand::kMeet)
      options_.on_wait(round_progress());
    return supervisor_->look();
  }

  void end_workers() {
    if (!workers_) return;
    shared_->counters[0].cut_round = true;  // a thread cannot be killed; it ends its round
    shared_->barrier.close();
    // A program that gave up has waited for them already.
    workers_->end(Deadline::after(given_up_ ? Milliseconds{0} : kEndTimeout));
  }

  OrchestratorOptions options_;
  WorkerSetup setup_;
  Description description_;
  MomentsShape moments_shape_;
  std::unique_ptr<SharedTraining> shared_;
  std::unique_ptr<WorkerGroup> workers_;
  std::function<void(const WorkerOrder&)>
      called_;  // WorkerMode::kCaller: in place of workers_ and supervisor_
  std::unique_ptr<Supervisor> supervisor_;
  // Without components: nothing is counted.
  NumberedStatistics own_;
  RunningStatistics others_;
  std::optional<RateTuner> tuner_;
  std::optional<Normalisation>
      played_;  // that of a policy which is only played, in place of what was counted
  std::uint64_t rounds_ = 0;
  ActorPlace place_;
  std::uint64_t plays_ = 0;                   // orders to play, of asynchronous workers
  std::uint64_t told_dropped_steps_ = 0;      // those that train_round() has reported
  std::uint64_t episodes_evaluated_ = 0;      // in earlier chunks of the present evaluation
  std::uint64_t optimizer_steps_before_ = 0;  // the present order
  std::uint64_t told_restarts_ = 0;           // those that train_round() has reported
  std::string failure_;                       // once a worker is gone, every later round says the same
  bool given_up_ = false;
  bool told_of_endless_ = false;
  bool has_anchor_ = false;  // of the proximal term: somebody wrote weights, or a round has begun
};

CoreOrchestrator::CoreOrchestrator(EnvironmentFactory environment, NetworkFactory network,
                                   OrchestratorOptions options)
    : impl_(std::make_unique<Impl>(std::move(environment), std::move(network), std::move(options))) {}
CoreOrchestrator::~CoreOrchestrator() = default;
const ParameterLayout& CoreOrchestrator::layout() const {
  return impl_->layout();
}
PolicyDescription CoreOrchestrator::policy_description() const {
  return impl_->policy_description();
}
std::size_t CoreOrchestrator::statistics_components() const {
  return impl_->statistics_components();
}
MomentsShape CoreOrchestrator::moments_shape() const {
  return impl_->moments_shape();
}
void CoreOrchestrator::read_moments(OptimizerMoments& out) const {
  impl_->read_moments(out);
}
void CoreOrchestrator::write_moments(const OptimizerMoments& in) {
  impl_->write_moments(in);
}
NumberedStatistics CoreOrchestrator::own_statistics() const {
  return impl_->own_statistics();
}
void CoreOrchestrator::write_other_statistics(const RunningStatistics& others) {
  impl_->write_other_statistics(others);
}
std::optional<CloningReport> CoreOrchestrator::clone(const Demonstrations& demonstrations,
                                                     const CloningOptions& options,
                                                     const OnCloningEpoch& on_epoch) {
  return impl_->clone(demonstrations, options, on_epoch);
}
void CoreOrchestrator::normalise_as(const std::map<std::string, std::string>& metadata) {
  impl_->normalise_as(metadata);
}
std::vector<NamedValue> CoreOrchestrator::tunable() const {
  return impl_->tunable();
}
void CoreOrchestrator::tune(std::span<const NamedValue> values) {
  impl_->tune(values);
}
RoundReport CoreOrchestrator::train_round() {
  return impl_->train_round();
}
SegmentShape CoreOrchestrator::segment_shape() const {
  return impl_->segment_shape();
}
RoundReport CoreOrchestrator::play_round(std::uint64_t steps, std::vector<Segment>& segments) {
  return impl_->play_round(steps, segments);
}
void CoreOrchestrator::follow_run(const ActorPlace& place) {
  impl_->follow_run(place);
}
RoundReport CoreOrchestrator::learn_round(std::span<const Segment> segments, std::uint64_t steps) {
  return impl_->learn_round(segments, steps);
}
void CoreOrchestrator::read_weights(std::span<float> out) const {
  impl_->read_weights(out);
}
void CoreOrchestrator::write_weights(std::span<const float> in) {
  impl_->write_weights(in);
}
void CoreOrchestrator::write_played_weights(std::span<const float> in) {
  impl_->write_played_weights(in);
}
std::vector<EpisodeResult> CoreOrchestrator::evaluate(const EvaluationRequest& request) {
  return impl_->evaluate(request);
}
const EnvironmentSpec& CoreOrchestrator::environment_spec() const {
  return impl_->environment_spec();
}
Learning CoreOrchestrator::learning() const {
  return impl_->learning();
}
int CoreOrchestrator::servers() const {
  return impl_->servers();
}
DroppedGradients CoreOrchestrator::dropped_gradients() const {
  return impl_->dropped_gradients();
}
bool CoreOrchestrator::has_shards() const {
  return impl_->has_shards();
}
ActorMode CoreOrchestrator::actor_mode() const {
  return impl_->actor_mode();
}
const InferenceOptions& CoreOrchestrator::inference() const {
  return impl_->inference();
}
int CoreOrchestrator::active_predictors() const {
  return impl_->active_predictors();
}
int CoreOrchestrator::active_workers() const {
  return impl_->active_workers();
}
const Hyperparameters& CoreOrchestrator::hyperparameters() const {
  return impl_->hyperparameters();
}
std::map<std::string, std::string> CoreOrchestrator::policy_metadata() const {
  return impl_->policy_metadata();
}
int CoreOrchestrator::workers() const {
  return impl_->workers();
}
std::uint64_t CoreOrchestrator::rounds() const {
  return impl_->rounds();
}
std::uint64_t CoreOrchestrator::environment_steps() const {
  return impl_->environment_steps();
}
void CoreOrchestrator::save(StateWriter& state) const {
  impl_->save(state);
}
void CoreOrchestrator::restore(const StateReader& state) {
  impl_->restore(state);
}
const ReplayBuffer* CoreOrchestrator::replay_buffer() const {
  return impl_->replay_buffer();
}
RoundProgress CoreOrchestrator::round_progress() const {
  return impl_->round_progress();
}
std::vector<int> CoreOrchestrator::worker_pids() const {
  return impl_->worker_pids();
}
const std::string& CoreOrchestrator::failure() const {
  return impl_->failure();
}
std::uint64_t CoreOrchestrator::worker_restarts() const {
  return impl_->worker_restarts();
}

}  // namespace genkidama
