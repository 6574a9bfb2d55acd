#pragma once

/// @file
/// What happens in a run, for whoever wants to know: a terminal, a page, a log of one's own.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/net/parent.h"
#include "genkidama/params/local_trainer.h"
#include "genkidama/params/played.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/evaluation.h"
#include "genkidama/run/run_totals.h"

namespace GENKIDAMA_EXPORT genkidama {

struct ChildProgress;
struct CloningEpoch;
struct CloningReport;
struct HostedEnvironmentsStatus;
struct PeerNeighbourStatus;
struct PeerProgress;
struct ShardStatus;
struct UpperParentStatus;

namespace run {

/// How far a run is.
struct RunProgress {
  std::uint64_t updates = 0;          ///< RunTotals::updates
  Played in_run;                      ///< RunTotals::in_run
  std::optional<double> mean_return;  ///< of the latest 100 episodes; empty before the first
  std::optional<double> done;         ///< share of the run, in [0, 1]; empty when the run has no end
  /// Children, or actors, that are connected; empty unless this is a Parent or a learner.
  std::optional<std::size_t> children;
  /// Contributions of this process that came late; empty unless this is a Parent whose Children make rounds
  /// together.
  std::optional<std::uint64_t> late_contributions{};
  /// Updates between the weights that the latest round was played with and those that learnt from it, in the
  /// mean over its steps; empty unless this run learns from actors, or from workers that do not wait.
  std::optional<double> policy_lag{};
  std::optional<std::uint64_t> largest_policy_lag{};  ///< the same, the greatest of a step
  /// RunTotals::dropped_steps; empty where policy_lag is.
  std::optional<std::uint64_t> dropped_steps{};
  std::optional<double> model_error{};  ///< RunTotals::model_error
};

/// A run that is about to train.
struct RunInfo {
  std::filesystem::path directory;  ///< of the run's files
  std::string environment;          ///< EnvironmentSpec::name
  bool resumed = false;             ///< an earlier process has begun the run
  RunProgress progress;             ///< where the run stands
};

/// A pass over demonstrations that has just been made, or that the policy was cloned. The references hold
/// during the call only.
struct CloningEvent {
  const std::filesystem::path& file;      ///< of the demonstrations
  int epochs = 0;                         ///< passes at most
  const CloningEpoch* epoch = nullptr;    ///< the pass; nullptr once the policy is cloned
  const CloningReport* report = nullptr;  ///< what it came to; nullptr before
};

/// An update that has just been made and written to metrics.csv. The references hold during the call only.
struct UpdateEvent {
  const RunTotals& totals;              ///< after the update
  RunProgress progress;                 ///< after the update
  const RoundReport* round = nullptr;   ///< the round that was learnt from; nullptr at a Parent
  const ParentUpdate* merge = nullptr;  ///< the merge, without its weights; nullptr unless this is a Parent
  /// Makes what a policy file of this moment would hold: at a Parent the present weights, which may be some
  /// merges ahead. It copies the weights, and is to be called during the call only. Empty where there is no
  /// policy, as at a shard.
  std::function<Checkpoint()> policy{};
};

/// An evaluation that was played. The reference holds during the call only.
struct EvaluationEvent {
  std::uint64_t update = 0;                ///< the update whose policy was evaluated
  const EvaluationStatistics& statistics;  ///< what the episodes came to
  bool final = false;                      ///< it is the evaluation at the end of the run
  bool best = false;  ///< its mean is the best so far, and best.safetensors holds its policy
};

/// Files that were written.
struct CheckpointEvent {
  std::uint64_t update = 0;      ///< the update that they are of
  std::filesystem::path state;   ///< what a resumed run goes on from; empty when it was not written
  std::filesystem::path policy;  ///< the weights for use; empty when they were not written
};

/// How the links of a run are. What its kind of run does not have is nullptr. The references hold during the
/// call only.
struct LinksEvent {
  const ParentStatus* parent = nullptr;               ///< of a Parent, or of a learner
  const ChildProgress* child = nullptr;               ///< of a Child, or of an actor
  const PeerProgress* peer = nullptr;                 ///< of a peer
  std::span<const PeerNeighbourStatus> neighbours{};  ///< of a peer
  const HostedEnvironmentsStatus* hosts = nullptr;    ///< of a server
  const ShardStatus* shard = nullptr;                 ///< of a shard
  const UpperParentStatus* upper = nullptr;           ///< of a Parent below another one: the link to that
};

/// What a run came to.
struct RunSummary {
  std::filesystem::path directory;  ///< of the run's files
  /// "updates", "max_steps", "target", "patience", what RunOptions::end_reason said, or "parent" when a
  /// Child's Parent ended the run.
  std::string ended_by;
  bool stopped = false;          ///< RunOptions::end_reason ended it, or the final evaluation was given up
  RunTotals totals;              ///< of all processes of the run
  std::optional<double> target;  ///< RunOptions::target
  /// The evaluation of the final policy; empty when RunOptions::eval_episodes is 0 or the run was stopped.
  std::optional<EvaluationStatistics> final_evaluation;
  /// The best policy, of all processes of the run; empty unless RunOptions::evaluate_every or patience is
  /// given and a policy was evaluated and kept.
  std::optional<BestPolicy> best;
  /// What each Child's merges did to the weights, in the order of names; empty unless this is a Parent.
  std::vector<ChildInfluence> influence;
  /// A sentence for people about whom to look at among them; empty where `influence` is.
  std::string influence_suggestion;
  bool files_written = true;  ///< false: a file of the run's end could not be written
  std::string write_failure;  ///< which, and why; empty when all were written
};

/// Derive from it, implement what you want to know, and hand the object to a run. Every function does nothing
/// by default. All are called by the thread that runs the run, between updates, and the run waits for them;
/// what they throw ends the run as failed. Observers must not call the trainer.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  /// Called before on_start() by a run that begins with demonstrations: after each pass over them, and once
  /// the policy is cloned.
  virtual void on_cloning(const CloningEvent&) {}
  /// Called once, before the first update of this process.
  virtual void on_start(const RunInfo&) {}
  /// Called once peers can connect, with the ports that are listened at, by a Parent and by a Child that
  /// listens.
  virtual void on_listening(std::span<const std::uint16_t>) {}
  /// Called after each update.
  virtual void on_update(const UpdateEvent&) {}
  /// Called several times a second by a Parent, whether something was merged or not.
  virtual void on_wait(const RunProgress&) {}
  /// Called by a run with links: after each update, and several times a second by a Parent, a learner and a
  /// shard.
  virtual void on_links(const LinksEvent&) {}
  /// Called after each evaluation.
  virtual void on_evaluation(const EvaluationEvent&) {}
  /// Called after each checkpoint, and after the final files.
  virtual void on_checkpoint(const CheckpointEvent&) {}
  /// Called once, when the run is over and summary.json is written. It is not called when the run failed.
  virtual void on_end(const RunSummary&) {}
};

/// Several observers as one, called in their order.
class RunObservers : public RunObserver {
 public:
  /// All must outlive this object; none may be nullptr.
  explicit RunObservers(std::vector<RunObserver*> observers) : observers_(std::move(observers)) {}

  void on_cloning(const CloningEvent& event) override {
    for (RunObserver* each : observers_) each->on_cloning(event);
  }
  void on_start(const RunInfo& info) override {
    for (RunObserver* each : observers_) each->on_start(info);
  }
  void on_listening(std::span<const std::uint16_t> ports) override {
    for (RunObserver* each : observers_) each->on_listening(ports);
  }
  void on_update(const UpdateEvent& event) override {
    for (RunObserver* each : observers_) each->on_update(event);
  }
  void on_wait(const RunProgress& progress) override {
    for (RunObserver* each : observers_) each->on_wait(progress);
  }
  void on_links(const LinksEvent& event) override {
    for (RunObserver* each : observers_) each->on_links(event);
  }
  void on_evaluation(const EvaluationEvent& event) override {
    for (RunObserver* each : observers_) each->on_evaluation(event);
  }
  void on_checkpoint(const CheckpointEvent& event) override {
    for (RunObserver* each : observers_) each->on_checkpoint(event);
  }
  void on_end(const RunSummary& summary) override {
    for (RunObserver* each : observers_) each->on_end(summary);
  }

 private:
  std::vector<RunObserver*> observers_;
};

}  // namespace run
}  // namespace genkidama
