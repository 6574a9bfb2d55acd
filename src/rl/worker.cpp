#include "rl/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/failpoint.h"
#include "core/output_streams.h"
#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/random.h"
#include "genkidama/core/utf8.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/nn/free_outputs.h"
#include "genkidama/params/weighted_average.h"
#include "genkidama/rl/behaviour.h"
#include "rl/central_learner.h"
#include "rl/episode_slot.h"
#include "rl/evaluation_seeds.h"
#include "rl/gradient_server.h"
#include "rl/helper_worker.h"
#include "rl/pacer.h"
#include "rl/policy_client.h"
#include "rl/predictor.h"
#include "rl/sharded_server.h"
#include "rl/worker_sink.h"

namespace genkidama {
namespace {

// Streams of derive_seed(): what a seed is used for.
constexpr std::uint64_t kInitialisation = 0;
constexpr std::uint64_t kTraining = 1;
// 2 and 3: see rl/evaluation_seeds.h
constexpr std::uint64_t kLearning = 4;
constexpr std::uint64_t kContinued = 5;
constexpr std::uint64_t kNoise = 6;

constexpr Milliseconds kWaitSlice{1'000};
// Between two tries of an evaluation that is about to be given up.
constexpr Milliseconds kLostPause{50};
// Between two looks at environments that begin their episodes elsewhere.
constexpr std::chrono::microseconds kResetPause{200};
// After it an evaluation tries another one of the worker's environments.
constexpr Milliseconds kResetPatience{1'000};
// Of an algorithm that learns from single steps, where its learner is elsewhere.
constexpr std::size_t kReplaySegmentSteps = 256;

std::uint64_t seed_of_round(const WorkerSetup& setup, int worker, std::uint64_t round) {
  return derive_seed(setup.seed, {kTraining, static_cast<std::uint64_t>(worker), round});
}

/// Plays a round's episodes and hands their segments to the learner.
class Worker {
 public:
  Worker(const WorkerSetup& setup, SharedTraining& shared, int index)
      : setup_(setup),
        shared_(shared),
        index_(index),
        owned_sink_(
            make_worker_sink(setup.hyperparameters, setup.optimizer(setup.hyperparameters), shared, index)),
        sink_(*owned_sink_),
        round_statistics_(shared.statistics_of(index).size() / 2),
        slots_(make_slots(setup, sink_, normaliser_, index)),
        spec_(setup.spec ? completed(*setup.spec) : slots_.front().spec()),
        algorithm_(make_algorithm_of(setup)),
        network_(make_network(setup, *algorithm_, spec_, sink_, !shared.segments)),
        learner_(
            algorithm_->make_learner({.environment = spec_,
                                      .network = network_,
                                      .sink = sink_,
                                      .shared_state = shared.algorithm_state.span(),
                                      // A learner apart from the workers has it.
                                      .replay = shared.replay && !shared.segments ? &*shared.replay : nullptr,
                                      .worker = index,
                                      .workers = shared.workers})),
        client_(shared.inference ? make_slot_policy_client(shared, sink_, index)
                                 : make_local_policy_client(network_, noise_random_)),
        groups_(grouped(slots_, client_->groups())),
        // Each group's step waits.
        pacer_(setup.steps_per_second * static_cast<double>(groups_.size())),
        output_count_(static_cast<std::size_t>(network_.spec().policy)),
        longest_episode_(longest_training_episode(spec_.observation_size)) {
    segment_steps_ =
        shared.segments && algorithm_->learns_from_replay() ? kReplaySegmentSteps : learner_->segment_steps();
    make_explorers(index, shared.workers);
    // Of a killed worker, whose place this one takes.
    if (shared.replay && !shared.segments) shared.replay->mend_priorities(index);
    if (!slots_.front().behaviour || !learner_) {
      throw ArgumentError("the algorithm made no behaviour or no learner; expected both");
    }
    if (network_.layout().size() != shared.weights.size()) {
      throw LayoutError(
          "the network factory made another network than before; it must depend on the spec only");
    }
    for (EpisodeSlot& slot : slots_) slot.state.resize(network_.state_size());
    sink_.set_activity(WorkerActivity::kOther);
    sink_.show_life();
  }

  void obey(const WorkerOrder& order) {
    if (order.command == WorkerCommand::kTrain || order.command == WorkerCommand::kTrainAndLearn)
      train_round(order);
    if (order.command == WorkerCommand::kEvaluate) evaluate(order);
  }

 private:
  /// For the worker of this number among so many.
  void make_explorers(int worker, int workers) {
    explorer_ = {worker, workers};
    for (EpisodeSlot& slot : slots_) {
      slot.behaviour = algorithm_->make_explorer(
          {.environment = spec_, .sink = sink_, .worker = worker, .workers = workers});
    }
  }

  static std::vector<EpisodeSlot> make_slots(const WorkerSetup& setup, WorkerSink& sink,
                                             const Normaliser& normaliser, int index) {
    std::vector<EpisodeSlot> slots;
    sink.set_activity(WorkerActivity::kMakingEnvironment);
    const auto keep_waiting = [&sink] {
      sink.show_life();
      return !sink.is_round_cut();
    };
    for (int i = 0; i < setup.hyperparameters.environments_per_worker; ++i) {
      const EnvironmentContext context{index, i, setup.purpose, {}, keep_waiting};
      slots.emplace_back(make_checked(make_environment(setup, context)), normaliser);
      if (setup.spec) check_is(slots.back().spec(), completed(*setup.spec));
      if (setup.described) check_has_spaces(slots.back().spec(), *setup.described);
      sink.show_life();
    }
    return slots;
  }

  /// Environments that are stepped together, with the outputs that were asked for at once.
  struct Group {
    std::size_t number = 0;
    std::vector<EpisodeSlot*> slots;
    std::vector<EpisodeSlot*> asked;  ///< those for which outputs were asked for
  };

  static std::vector<Group> grouped(std::vector<EpisodeSlot>& slots, std::size_t count) {
    std::vector<Group> groups(count);
    for (std::size_t i = 0; i < count; ++i) {
      groups[i].number = i;
      for (std::size_t slot = i * slots.size() / count; slot < (i + 1) * slots.size() / count; ++slot)
        groups[i].slots.push_back(&slots[slot]);
    }
    return groups;
  }

  static std::unique_ptr<Environment> make_environment(const WorkerSetup& setup,
                                                       const EnvironmentContext& context) {
    try {
      return setup.environment(context);
    } catch (const Error&) {
      throw;  // it says what it is about
    } catch (const std::exception& error) {
      throw WorkerError(
          fmt::format("the factory or the constructor of environment '{}' threw an exception: {}",
                      setup.described ? setup.described->name : "", error.what()));
    }
  }

  static LocalNetwork make_network(const WorkerSetup& setup, const Algorithm& algorithm,
                                   const EnvironmentSpec& spec, WorkerSink& sink, bool learns) {
    sink.set_activity(WorkerActivity::kMakingNetwork);
    return make_local_network(setup, algorithm, spec, learns ? setup.device : "cpu");
  }

  static void check_is(const EnvironmentSpec& spec, const EnvironmentSpec& expected) {
    if (spec.metrics != expected.metrics) {
      throw ArgumentError(
          fmt::format("environment '{}' has the metrics [{}]; the environment_spec that was given "
                      "says [{}]",
                      spec.name, fmt::join(spec.metrics, ", "), fmt::join(expected.metrics, ", ")));
    }
    if (spec.observation_shape == expected.observation_shape && spec.action_space == expected.action_space &&
        spec.masks_actions == expected.masks_actions) {
      return;
    }
    throw ArgumentError(fmt::format("environment '{}' has {}; the environment_spec that was given says {}",
                                    spec.name, spaces_text(spec), spaces_text(expected)));
  }

  /// The network is made once, for the environment that was made first.
  static void check_has_spaces(const EnvironmentSpec& spec, const EnvironmentSpec& first) {
    const ActionSpace &own = spec.action_space, &expected = first.action_space;
    if (spec.observation_shape == first.observation_shape && own.choices == expected.choices &&
        own.low.size() == expected.low.size() && spec.masks_actions == first.masks_actions) {
      return;
    }
    throw ArgumentError(fmt::format(
        "environment '{}' has {}, and the first one that the factory made had {}; expected the same "
        "spaces from every call of the factory",
        spec.name, spaces_text(spec), spaces_text(first)));
  }

  static std::string spaces_text(const EnvironmentSpec& spec) {
    const std::vector<std::int64_t> shape(spec.observation_shape.begin(), spec.observation_shape.end());
    const std::string in = shape.size() > 1 ? " in " + shape_text(shape) : "";
    return fmt::format("{} observation values{}, {}{}", spec.observation_size, in,
                       action_space_text(spec.action_space), spec.masks_actions ? " and masks" : "");
  }

  /// One episode in each slot (thesis, Algorithm 1), or whole episodes up to round_steps, or just so many
  /// steps; less when the lead cuts the round. Everything random follows from (seed, worker, round, episode),
  /// so a resumed run goes on as the uninterrupted one would have.
  void train_round(const WorkerOrder& order) {
    round_seed_ = seed_of_round(setup_, index_, order.play);
    draws_seed_ =
        setup_.hyperparameters.equal_draws ? derive_seed(setup_.seed, {kTraining, order.play}) : round_seed_;
    noise_random_ = Random(derive_seed(draws_seed_, {kNoise, kNoise}));
    round_steps_ = order.round_steps;
    enough_steps_ = order.enough_steps;
    version_ = order.round;
    if (const std::pair explorer{order.first_worker + index_, order.all_workers}; explorer != explorer_)
      make_explorers(explorer.first, explorer.second);
    if (shared_.segments && !shared_.slots) shared_.segments->clear(static_cast<std::size_t>(index_));
    sink_.begin_round();
    // Only predictors need them then.
    const bool needs_no_weights = shared_.inference && shared_.segments;
    if (needs_no_weights) {
      sink_.note_policy_version();
    } else if (shared_.slots) {
      relaxed_load(shared_.played_weights.span(), network_.weights());
    } else {
      sink_.pull(network_.weights());
    }
    normaliser_ = Normaliser(shared_.normaliser.span());
    round_statistics_.clear();
    only_counts_ = counts() && !order.is_normalised;
    episodes_started_ = 0;
    if (!only_counts_ && !shared_.segments) {
      learner_->begin_round(Random(derive_seed(round_seed_, {kLearning, kContinued})));
    }
    if (index_ >= order.active_workers) {
      if (is_asynchronous()) hand_over_begun_part();
    } else if (!is_asynchronous() || find_place()) {
      play_episodes();
    }
    Random random = learning_random(setup_, index_, order.round);
    if (!only_counts_ && !shared_.segments) learner_->learn_round(random);
    sink_.end_round();
    const auto counted = round_statistics_.values();
    std::copy(counted.begin(), counted.end(), shared_.statistics_of(index_).begin());
  }

  void play_episodes() {
    begin_episodes();
    for (Group& group : groups_) ask(group);
    for (std::size_t turn = 0; are_playing(); turn = (turn + 1) % groups_.size()) {
      Group& group = groups_[turn];
      // All of it may have waited for its environments.
      if (are_all_starting()) wait_for_first();
      if (group.asked.empty()) ask(group);
      const bool cut = sink_.is_round_cut();
      if (cut || (shared_.unfinished && has_enough_steps())) {
        for (EpisodeSlot& slot : slots_) {
          if (!slot.playing) continue;
          if (shared_.unfinished) {
            pause_episode(slot);
          } else {
            leave_episode(slot);
          }
        }
        break;
      }
      if (group.asked.empty()) continue;
      if (pacer_.is_set()) {
        pacer_.wait([this] {
          sink_.show_life();
          return !sink_.is_round_cut() && !(is_asynchronous() && has_enough_steps());
        });
        // The step that was waited for belongs to the next round then.
        if (is_asynchronous() && has_enough_steps()) continue;
      }
      play_step(group);
      if (is_asynchronous()) hand_over_full_part();
      ask(group);
    }
    for (Group& group : groups_) {
      if (!group.asked.empty()) client_->forget(group.number);
      group.asked.clear();
    }
  }

  bool are_playing() const {
    return std::any_of(slots_.begin(), slots_.end(), [](const EpisodeSlot& slot) { return slot.playing; });
  }

  /// Asks for outputs for all of a group's environments that play and have an observation.
  void ask(Group& group) {
    group.asked.clear();
    for (EpisodeSlot* slot : group.slots) {
      if (!slot->playing) continue;
      if (slot->is_starting() && slot->is_ready()) finish_reset(*slot);
      if (!slot->is_starting()) group.asked.push_back(slot);
    }
    if (group.asked.empty()) return;
    const std::size_t rows = group.asked.size();
    write_rows(client_->observations(group.number, rows), group,
               [](const EpisodeSlot& slot) { return slot.observation(); });
    if (network_.state_size() > 0) {
      write_rows(client_->states(group.number, rows), group,
                 [](const EpisodeSlot& slot) { return std::span<const float>(slot.state); });
    }
    client_->ask(group.number, rows);
  }

  /// Whether all environments that play wait for the first observation of an episode.
  bool are_all_starting() const {
    return std::all_of(slots_.begin(), slots_.end(),
                       [](const EpisodeSlot& slot) { return !slot.playing || slot.is_starting(); });
  }

  bool is_any_ready() const {
    return std::any_of(slots_.begin(), slots_.end(), [](const EpisodeSlot& slot) {
      return slot.playing && (!slot.is_starting() || slot.is_ready());
    });
  }

  /// Where nothing else is to be done: until one of the environments has begun its episode. A round that has
  /// enough does not wait for them; who knows whether anybody serves them.
  void wait_for_first() {
    while (!is_any_ready() && !sink_.is_round_cut()) {
      const WorkerReport& report = sink_.report();
      if (has_played_enough() && report.episode_count.get() + report.lost_episodes.get() > 0) {
        for (EpisodeSlot& slot : slots_) slot.playing = false;
        return;
      }
      std::this_thread::sleep_for(kResetPause);
      sink_.show_life();
    }
  }

  template <typename Row>
  static void write_rows(std::span<float> into, const Group& group, const Row& row_of) {
    float* to = into.data();
    for (const EpisodeSlot* slot : group.asked) {
      const std::span<const float> row = row_of(*slot);
      to = std::copy(row.begin(), row.end(), to);
    }
  }

  /// Whether the learner learns while this worker plays.
  bool is_asynchronous() const { return shared_.slots && !only_counts_; }

  /// Whether there is a part of the store to write to.
  bool find_place() {
    SegmentSlots& slots = *shared_.slots;
    place_ = slots.filling(index_);
    // Of a worker that has died, whose place this one takes.
    if (place_ && !has_played_) abandon_part();
    if (!place_) begin_part();
    has_played_ = true;
    stop_when_enough();
    return place_.has_value();
  }

  /// Of a worker that does not play for a while: what it has would become too old.
  void hand_over_begun_part() {
    const std::optional<std::size_t> place = shared_.slots->filling(index_);
    if (place && has_played_ && shared_.slots->steps(*place) > 0) shared_.slots->finish(*place);
  }

  void abandon_part() {
    shared_.slots->abandon(*place_);
    shared_.segments->clear(*place_);
  }

  void begin_part() {
    place_ = shared_.slots->begin(index_, shared_.when_full);
    if (place_) shared_.segments->clear(*place_);
  }

  /// After a step, of asynchronous workers: a part with the worker's share of a round goes into the queue.
  void hand_over_full_part() {
    std::uint64_t steps = shared_.slots->steps(*place_);
    for (const EpisodeSlot& slot : slots_) steps += slot.segment.size();
    if (steps < round_steps_) return;
    for (EpisodeSlot& slot : slots_) {
      if (slot.segment.size() > 0) learn_segment(slot);
    }
    shared_.slots->finish(*place_);
    stop_when_enough();
    begin_part();
  }

  void stop_when_enough() {
    if (enough_steps_ > 0 && shared_.slots->queued_steps() >= enough_steps_) shared_.slots->stop();
  }

  bool counts() const { return round_statistics_.components() > 0; }

  void discount(EpisodeSlot& slot, float reward) const {
    slot.discounted_return = setup_.hyperparameters.gamma * slot.discounted_return + reward;
  }

  /// Counts what was observed before a step, and the return discounted back from it.
  void count(EpisodeSlot& slot, const Transition& transition) {
    discount(slot, transition.reward);
    counted_.assign(transition.before.begin(), transition.before.end());
    counted_.push_back(static_cast<float>(slot.discounted_return));
    if (!is_finite(counted_.back())) {
      throw WorkerError(fmt::format(
          "environment '{}' gave the reward {}, with which the discounted return is {}; expected "
          "returns below {:.3g} in size, to normalise with: scale the rewards in the environment",
          spec_.name, transition.reward, slot.discounted_return, std::numeric_limits<float>::max()));
    }
    round_statistics_.add(counted_);
  }

  void begin_episodes() {
    const bool restored = shared_.unfinished && shared_.unfinished->restores() != restores_;
    if (restored) restores_ = shared_.unfinished->restores();
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      EpisodeSlot& slot = slots_[i];
      const auto paused = shared_.unfinished ? shared_.unfinished->paused(index_of(slot)) : std::nullopt;
      const bool has_it = slot.playing && !restored;
      if (has_it || (paused && play_again(slot, *paused))) {
        slot.go_on(Random(derive_seed(draws_seed_, {kContinued, i})));
      } else {
        start_episode(slot);
      }
    }
  }

  /// Whether the slot has come to where the episode was: the environment gave the same observation in the
  /// end.
  bool play_again(EpisodeSlot& slot, const UnfinishedEpisodes::Episode& episode) {
    if (!slot.spec().repeatable) return false;
    reset(slot, episode.seed, episode.seed);
    const std::size_t width = slot.action.size();
    for (std::size_t i = 0; i < episode.steps && slot.playing; ++i) {
      const auto action = episode.actions.subspan(i * width, width);
      std::copy(action.begin(), action.end(), slot.action.begin());
      discount(slot, step(slot).reward);
    }
    const auto now = slot.raw_observation();
    if (!slot.playing || std::memcmp(now.data(), episode.observation.data(), now.size_bytes()) != 0)
      return false;
    std::copy(episode.state.begin(), episode.state.end(), slot.state.begin());
    return true;
  }

  void start_episode(EpisodeSlot& slot) {
    const auto episode = episodes_started_++;
    const auto seed = derive_seed(round_seed_, {episode});
    begin_reset(slot, seed, derive_seed(draws_seed_, {episode}));
    if (slot.is_ready()) finish_reset(slot);
    if (shared_.unfinished) shared_.unfinished->start(index_of(slot), seed);
  }

  /// Of a slot among those of all workers.
  std::size_t index_of(const EpisodeSlot& slot) const {
    return static_cast<std::size_t>(index_) * slots_.size() + static_cast<std::size_t>(&slot - slots_.data());
  }

  bool has_enough_steps() {
    const WorkerReport& report = sink_.report();
    // The report has room for so many episodes.
    return has_played_enough() || report.episode_count.get() + slots_.size() > kEpisodesPerRound;
  }

  bool has_played_enough() {
    if (is_asynchronous()) return !place_ || shared_.slots->is_stopped();
    return sink_.report().environment_steps.get() >= round_steps_;
  }

  /// `draws_seed`: of the actions; everything else follows from `seed`.
  void begin_reset(EpisodeSlot& slot, std::uint64_t seed, std::uint64_t draws_seed) {
    slot.begin_start(seed, Random(sampled_actions_seed(draws_seed)));
  }

  void finish_reset(EpisodeSlot& slot) {
    sink_.set_activity(WorkerActivity::kResetting);
    slot.finish_start();
    sink_.set_activity(WorkerActivity::kOther);
  }

  void reset(EpisodeSlot& slot, std::uint64_t seed, std::uint64_t draws_seed) {
    begin_reset(slot, seed, draws_seed);
    finish_reset(slot);
  }

  Transition step(EpisodeSlot& slot) {
    sink_.set_activity(WorkerActivity::kStepping);
    const Transition result = slot.step();
    sink_.set_activity(WorkerActivity::kOther);
    sink_.show_life();
    return result;
  }

  /// A step in every slot for which outputs were asked for.
  void play_step(Group& group) {
    WorkerReport& report = sink_.report();
    playing_.swap(group.asked);
    group.asked.clear();
    outputs_ = client_->outputs(group.number);
    check_outputs(outputs_);
    for (std::size_t i = 0; i < playing_.size(); ++i) {
      choose(*playing_[i], outputs_.subspan(i * output_count_, output_count_), Acting::kExploring);
      // Environments that are served together play their steps together.
      if (playing_.size() > 1) playing_[i]->prepare_step();
    }
    if (network_.state_size() > 0) states_ = client_->next_states(group.number);
    for (std::size_t i = 0; i < playing_.size(); ++i) {
      if (sink_.is_round_cut()) return;
      EpisodeSlot& slot = *playing_[i];
      take_step(slot, i);
      if (slot.playing) continue;
      if (slot.lost) {
        report.lost_episodes.add(1);
      } else {
        report.episodes[report.episode_count.get()].take(slot.result);
        report.episode_count.add(1);
      }
      if (shared_.unfinished) shared_.unfinished->end(index_of(slot));
      if (!has_played_enough() && episodes_started_ < kEpisodesPerRound) start_episode(slot);
    }
  }

  /// The i-th slot that plays goes on with the state after its present observation. It does so after the
  /// step, so that a slot whose round is cut before the step, or whose step is lost, has the state before
  /// that observation.
  void remember(EpisodeSlot& slot, std::size_t i) {
    if (slot.segment.size() == 0) slot.segment.first_state = slot.state;
    std::copy_n(states_.begin() + static_cast<std::ptrdiff_t>(i * slot.state.size()), slot.state.size(),
                slot.state.begin());
  }

  void check_outputs(std::span<const float> outputs) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!is_finite(outputs[i])) refuse_output(i % output_count_, outputs[i]);
    }
  }

  /// Names the weights when they are at fault, and else the network.
  [[noreturn]] void refuse_output(std::size_t index, float value) {
    // Predictors have theirs.
    if (shared_.inference) relaxed_load(shared_.weights.span(), network_.weights());
    const auto weights = network_.weights();
    const std::size_t bad = first_non_finite(weights);
    if (bad != weights.size()) {
      throw WorkerError(
          fmt::format("learning diverged: the network's weight {} is {}; a lower learning rate or a "
                      "gradient-norm limit helps",
                      bad, weights[bad]));
    }
    throw WorkerError(fmt::format(
        "the network gave {} as policy output {} for an observation of '{}', from finite weights; expected "
        "finite numbers: see the network's forward pass",
        value, index, spec_.name));
  }

  void choose(EpisodeSlot& slot, std::span<const float> outputs, Acting acting) {
    slot.behaviour->act(outputs, slot.mask(), acting, slot.random, slot.chosen, slot.log_probability);
    slot.behaviour->to_environment(slot.chosen, slot.action);
  }

  /// The step of the i-th slot that plays, with what was chosen for it.
  void take_step(EpisodeSlot& slot, std::size_t i) {
    Segment& segment = slot.segment;
    if (segment.size() == 0) segment.policy_version = is_asynchronous() ? version_ : sink_.policy_version();
    const ActionMask mask = slot.mask();  // before the step, which makes it another one
    segment.masks.insert(segment.masks.end(), mask.begin(), mask.end());
    const Transition transition = step(slot);
    if (slot.lost) {
      segment.masks.resize(segment.masks.size() - mask.size());
      leave_episode(slot);
      return;
    }
    if (!slot.state.empty()) remember(slot, i);
    sink_.report().environment_steps.add(1);
    if (shared_.unfinished) shared_.unfinished->add(index_of(slot), slot.action);
    const bool cut = !transition.ends_episode() && slot.result.length >= longest_episode_;
    if (counts()) count(slot, transition);
    const auto before = slot.observation_before();
    segment.observations.insert(segment.observations.end(), before.begin(), before.end());
    segment.actions.insert(segment.actions.end(), slot.chosen.begin(), slot.chosen.end());
    segment.rewards.push_back(transition.reward);
    segment.log_probabilities.push_back(slot.log_probability);
    if (shared_.replay && !shared_.segments) {
      Transition stored = transition;
      stored.truncated = transition.truncated || cut;
      shared_.replay->store(index_, stored);
    }
    if (transition.terminated) segment.end = SegmentEnd::kTerminated;
    if (transition.truncated && !transition.terminated) segment.end = SegmentEnd::kTruncated;
    if (segment.ends_episode() || cut || segment.size() >= segment_steps_) learn_segment(slot);
    if (cut) {
      slot.result.truncated = true;
      slot.playing = false;
    }
  }

  void learn_segment(EpisodeSlot& slot) {
    Segment& segment = slot.segment;
    const auto last = slot.observation();
    segment.last_observation.assign(last.begin(), last.end());
    segment.last_state = slot.state;
    segment.reward_scale = normaliser_.reward_scale();
    // Asynchronous workers' steps are counted when they are learnt from.
    if (!is_asynchronous()) sink_.count_environment_steps(segment.size());
    if (!only_counts_) hand_over(segment);
    segment.clear();
  }

  /// To this worker's own learner, or to the one that learns from the segments of all workers.
  void hand_over(const Segment& segment) {
    if (!shared_.segments) {
      learner_->learn_segment(segment);
      return;
    }
    const std::size_t part = shared_.slots ? *place_ : static_cast<std::size_t>(index_);
    if (!shared_.segments->has_room(part, segment)) {
      throw WorkerError(
          "the segments of a round do not fit into the memory for them; expected longer segments, or rounds "
          "of fewer steps");
    }
    shared_.segments->add(part, segment);
    if (shared_.slots) shared_.slots->add_steps(part, segment.size());
  }

  /// Ends an episode in its middle, since the lead wants it or the environment failed: what was played is
  /// learnt from, with the value of what would have followed; the episode is not reported.
  void leave_episode(EpisodeSlot& slot) {
    if (slot.segment.size() > 0) learn_segment(slot);
    slot.playing = false;
  }

  /// Ends the round in the middle of an episode, which goes on in the next one. One that has not been played
  /// at all begins there.
  void pause_episode(EpisodeSlot& slot) {
    if (slot.segment.size() > 0) learn_segment(slot);
    if (slot.result.length > 0) {
      shared_.unfinished->pause(index_of(slot), slot.raw_observation(), slot.state);
    } else {
      shared_.unfinished->end(index_of(slot));
      slot.playing = false;
    }
  }

  /// Starts an episode to evaluate in an environment that begins it; where environments are elsewhere some
  /// may have nobody who serves them.
  EpisodeSlot& start_evaluated_episode(std::uint64_t seed) {
    for (;; evaluated_slot_ = (evaluated_slot_ + 1) % slots_.size()) {
      EpisodeSlot& slot = slots_[evaluated_slot_];
      begin_reset(slot, seed, seed);
      const Deadline patience = Deadline::after(kResetPatience);
      while (!slot.is_ready() && !patience.passed() && !sink_.is_round_cut()) {
        std::this_thread::sleep_for(kResetPause);
        sink_.show_life();
      }
      if (!slot.is_ready() && !sink_.is_round_cut()) continue;
      finish_reset(slot);
      return slot;
    }
  }

  void play_to_the_end(EpisodeSlot& slot, Acting acting) {
    while (slot.playing) {
      if (slot.state.empty()) {
        network_.policy().logits(network_.weights(), slot.observation(), evaluated_);
      } else {
        network_.recurrent_policy().step(network_.weights(), slot.observation(), 1, slot.state, evaluated_);
      }
      check_outputs(evaluated_);
      choose(slot, evaluated_, acting);
      step(slot);
      if (!slot.playing || slot.result.length < longest_episode_) continue;
      slot.result.truncated = true;
      slot.playing = false;
    }
  }

  void evaluate(const WorkerOrder& order) {
    // Not what this worker learns with, but what the lead has written.
    relaxed_load(shared_.weights.span(), network_.weights());
    network_.clear_noise();
    normaliser_ = Normaliser(shared_.normaliser.span());
    evaluated_.resize(output_count_);
    const Acting acting = order.greedy ? Acting::kGreedy : Acting::kSampling;
    auto& next = shared_.counters[0].next_episode;
    for (auto i = next.fetch_add(1); i < order.episode_count; i = next.fetch_add(1)) {
      EvaluatedEpisode& episode = shared_.evaluation[i];
      // The lead orders a chunk again when a worker died over one of its episodes.
      if (episode.done.load(std::memory_order_acquire)) continue;
      const auto seed = evaluated_episode_seed(order.evaluation_seed, order.first_episode + i);
      EpisodeSlot* played = nullptr;
      do {
        // A thread, whose training is over.
        if (shared_.barrier.is_closed()) return;
        played = &start_evaluated_episode(seed);
        play_to_the_end(*played, acting);
        // Where environments are elsewhere and none of them comes back.
        if (played->lost && sink_.is_round_cut()) std::this_thread::sleep_for(kLostPause);
      } while (played->lost);
      episode.result.take(played->result);
      episode.done.store(true, std::memory_order_release);
    }
  }

  const WorkerSetup& setup_;
  SharedTraining& shared_;
  int index_;
  std::unique_ptr<WorkerSink> owned_sink_;
  WorkerSink& sink_;
  Normaliser normaliser_;               ///< of the present order
  RunningStatistics round_statistics_;  ///< without components: nothing is normalised
  bool only_counts_ = false;  ///< the present round is the first one: there is nothing to normalise with
  std::vector<float> counted_;
  std::vector<EpisodeSlot> slots_;
  EnvironmentSpec spec_;
  std::unique_ptr<Algorithm> algorithm_;
  LocalNetwork network_;
  std::unique_ptr<Learner> learner_;
  Random noise_random_{0};                ///< of the network's noise while the round is played
  std::unique_ptr<PolicyClient> client_;  ///< computes the outputs in training
  std::vector<Group> groups_;
  Pacer pacer_;
  std::size_t output_count_;
  std::uint32_t longest_episode_;
  std::size_t segment_steps_ = 0;
  std::pair<int, int> explorer_;  ///< the worker's number and how many there are, as its explorers know them
  std::uint64_t round_seed_ = 0;
  std::uint64_t round_steps_ = 0;
  std::uint64_t enough_steps_ = 0;    ///< WorkerOrder::enough_steps
  std::uint64_t version_ = 0;         ///< of the weights that asynchronous workers play with: updates
  std::optional<std::size_t> place_;  ///< the part of the store that an asynchronous worker fills
  bool has_played_ = false;           ///< of an asynchronous worker: what is in that part is its own
  std::uint64_t draws_seed_ = 0;      ///< of the round's actions
  std::uint64_t episodes_started_ = 0;
  std::uint64_t restores_ = 0;         ///< UnfinishedEpisodes::restores() as this worker has seen it
  std::vector<EpisodeSlot*> playing_;  ///< in the present step
  std::span<const float> outputs_;     ///< [playing, output_count_]
  std::span<const float> states_;      ///< [playing, state size], after the observations
  std::vector<float> evaluated_;       ///< an evaluation's outputs
  std::size_t evaluated_slot_ = 0;     ///< where evaluations are played
};

/// Sleeps at the barrier in slices, so that a worker whose lead is gone ends.
bool wait_for_order(SharedTraining& shared, int index, const std::function<bool()>& lead_alive) {
  while (true) {
    const auto release = shared.barrier.wait_for_release(index, Deadline::after(kWaitSlice));
    if (release == RoundBarrier::Release::kGo) return true;
    if (release == RoundBarrier::Release::kClosed || !lead_alive()) return false;
  }
}

/// The setup with the hyperparameters that are in force. Nobody changes them while an order is carried out.
WorkerSetup with_tuned_values(const WorkerSetup& setup, const SharedTraining& shared) {
  WorkerSetup own = setup;
  own.hyperparameters = shared.tuned[0].applied_to(std::move(own.hyperparameters));
  return own;
}

void report_failure(SharedTraining& shared, int index, const char* text) {
  WorkerReport& report = shared.reports[static_cast<std::size_t>(index)];
  // LibTorch, for one, appends a stack trace to its messages; the first line is what a user can act on.
  const std::string_view line(text, std::strcspn(text, "\n"));
  const std::size_t length = cut_utf8(line, sizeof report.error - 1).size();
  std::memcpy(report.error, text, length);
  report.error[length] = '\0';
  report.failed.store(true, std::memory_order_release);
}

}  // namespace

LocalNetwork make_local_network(const WorkerSetup& setup, const Algorithm& algorithm,
                                const EnvironmentSpec& spec, const std::string& device) {
  const NetworkSpec sizes = algorithm.network(spec);
  auto network = make_network(setup.network, sizes, derive_seed(setup.seed, {kInitialisation}));
  network->use_device(device);
  return LocalNetwork(std::move(network), sizes);
}

Random learning_random(const WorkerSetup& setup, int worker, std::uint64_t round) {
  return Random(derive_seed(seed_of_round(setup, worker, round), {kLearning, kLearning}));
}

std::unique_ptr<Algorithm> make_algorithm_of(const WorkerSetup& setup) {
  auto algorithm = setup.algorithm(setup.hyperparameters);
  if (!algorithm) throw ArgumentError("the algorithm factory returned a null pointer; expected an algorithm");
  return algorithm;
}

std::uint32_t longest_training_episode(int observation_size) {
  constexpr std::uint32_t kLeast = 1'024, kMost = 65'536;
  constexpr std::uint32_t kValues = 1u << 26;
  return std::clamp(kValues / static_cast<std::uint32_t>(std::max(1, observation_size)), kLeast, kMost);
}

std::function<void(const WorkerOrder&)> make_called_worker(const WorkerSetup& setup, SharedTraining& shared) {
  struct Called {
    Called(const WorkerSetup& given, SharedTraining& all)
        : changes(all.tuned[0].changes), own(with_tuned_values(given, all)), worker(own, all, 0) {
      if (all.reports.size() > 1) learner.emplace(own, all, 1);
    }
    std::uint64_t changes;
    WorkerSetup own;
    Worker worker;
    std::optional<CentralLearner> learner;
  };
  // A function can be copied, and what it calls cannot.
  const auto called = std::make_shared<std::optional<Called>>(std::in_place, setup, shared);
  return [called, &setup, &shared](const WorkerOrder& order) {
    if ((*called)->changes != shared.tuned[0].changes) called->emplace(setup, shared);
    (*called)->worker.obey(order);
    if ((*called)->learner) (*called)->learner->obey(order);
  };
}

bool run_worker(const WorkerSetup& setup, SharedTraining& shared, int index,
                const std::function<bool()>& lead_alive) {
  // One whose place this takes may have done its part already.
  bool has_order = !shared.barrier.has_arrived(index);
  const auto carry_out_order = [&](auto& member) {
    member.obey(shared.order[0]);
    flush_standard_output();
    GENKIDAMA_FAILPOINT("worker_before_arrival");
    shared.barrier.arrive(index);
    if (shared.gradients) shared.gradients->wake_servers();
    if (shared.inference && shared.have_all_workers_arrived()) shared.inference->wake_predictors();
  };
  // `make` gives whoever carries orders out, anew when the lead has changed hyperparameters.
  const auto work = [&](const auto& make) {
    for (bool goes_on = true; goes_on;) {
      const std::uint64_t changes = shared.tuned[0].changes;
      const WorkerSetup own = with_tuned_values(setup, shared);
      auto member = make(own);
      do {
        if (has_order) carry_out_order(member);
        has_order = goes_on = wait_for_order(shared, index, lead_alive);
      } while (goes_on && shared.tuned[0].changes == changes);
    }
  };
  try {
    if (shared.is_predictor(index)) {
      work([&](const WorkerSetup& own) { return Predictor(own, shared, index); });
    } else if (shared.is_server(index) && shared.segments) {
      work([&](const WorkerSetup& own) { return CentralLearner(own, shared, index); });
    } else if (shared.is_helper(index)) {
      work([&](const WorkerSetup& own) { return HelperWorker(own, shared, index); });
    } else if (shared.is_server(index) && setup.shards) {
      work([&](const WorkerSetup& own) { return ShardedServer(own.shards, shared, index, lead_alive); });
    } else if (shared.is_server(index)) {
      work([&](const WorkerSetup& own) {
        return GradientServer(own.optimizer(own.hyperparameters), own.hyperparameters.max_gradient_age,
                              shared, index);
      });
    } else {
      work([&](const WorkerSetup& own) { return Worker(own, shared, index); });
    }
    return true;
  } catch (const std::exception& error) {
    report_failure(shared, index, error.what());
  } catch (...) {
    report_failure(shared, index, "something was thrown that is no std::exception");
  }
  return false;
}

}  // namespace genkidama
