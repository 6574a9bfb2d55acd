#pragma once

/// @file
/// Every setting with every seed: many runs, some at a time, and one table of what they came to.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"
#include "genkidama/orchestrator/core_orchestrator.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// One option that a setting changes, and its value as text.
struct SweepValue {
  std::string option;  ///< a name, which becomes a column of results.csv
  std::string value;   ///< what the option is set to

  /// Whether both are the same text.
  bool operator==(const SweepValue&) const = default;
};

/// A setting: the options that it changes, each once, in the order of its name. An empty one changes nothing.
using SweepPoint = std::vector<SweepValue>;

/// "alpha=0.1,beta=0", which is also the name of the setting's directory; "default" for an empty setting.
std::string setting_name(const SweepPoint& point);

/// Settings and seeds; each setting is trained with each seed.
struct SweepDefinition {
  std::vector<SweepPoint> points = {};    ///< each setting once
  std::vector<std::uint64_t> seeds = {};  ///< each seed once
};

/// One run of a sweep.
struct SweepRun {
  SweepPoint point;                 ///< its setting
  std::uint64_t seed = 0;           ///< its seed
  std::filesystem::path directory;  ///< its run directory, runs/SETTING/seed_SEED in the sweep's
  /// The run in the directory goes on (Resume::kRequired); false: it begins. Known when the run is started.
  bool resume = false;
  /// With SweepOptions::halving: the environment steps, those before a resume included, that it is to be
  /// trained to at this time (RunOptions::max_steps). Empty: to the end that its options have.
  std::optional<std::uint64_t> max_steps = {};

  /// The setting's name.
  std::string setting() const { return setting_name(point); }
  std::string name() const;                   ///< "alpha=0.1 seed 2", for people
  std::filesystem::path log() const;          ///< what its processes print, beside the directory
  std::filesystem::path evaluations() const;  ///< checkpoint_evaluations.csv in the directory
  std::filesystem::path returns() const;      ///< checkpoint_returns.csv in the directory
};

/// What a process of a sweep does. Exactly one of the two is given.
struct SweepProcess {
  /// Called in a process that is forked for the run. The result is the exit code of that process: 0 when all
  /// went well. The functions of genkidama/run/stop_signal.h tell it when it is to end. What it throws is
  /// logged, and the exit code is then 2 for an ArgumentError and 1 for anything else.
  std::function<int(const SweepRun&)> function;
  /// Called in this process. The result is the command line, without the program's name, with which this
  /// program is executed again.
  std::function<std::vector<std::string>(const SweepRun&)> words;
};

/// Values of one option that a search draws from.
struct SweepRange {
  std::string option;                     ///< its name
  std::vector<std::string> choices = {};  ///< each equally likely; empty: a number from `low` to `high`
  double low = 0;                         ///< the lowest value; with `logarithmic` greater than 0
  double high = 0;                        ///< the highest value, not below `low`
  /// Uniform in the logarithm, so that 0.001 to 0.01 is as likely as 0.01 to 0.1.
  bool logarithmic = false;
  bool whole = false;  ///< whole numbers, both ends included
};

/// `trials` different settings, each one of `points` with a value of each range; equal arguments give equal
/// settings, and a larger number of trials begins with those of a smaller one. Without ranges they are
/// `points` in a random order. Fewer come back where there are no more: after 1,000 draws in a row that gave
/// nothing new. Numbers have six digits. Throws ArgumentError for a range that is not possible.
std::vector<SweepPoint> sampled_points(const std::vector<SweepPoint>& points,
                                       const std::vector<SweepRange>& ranges, std::size_t trials,
                                       std::uint64_t seed);

/// Asynchronous successive halving (ASHA; Li et al., "A System for Massively Parallel Hyperparameter Tuning",
/// 2020): every setting is trained for a short time, the best of them are trained on, and so forth. The seeds
/// of a setting are trained alike, and settings are compared by the median of their final means.
struct SweepHalving {
  std::uint64_t min_steps = 0;  ///< the shortest training; 0: max_steps / reduction^3
  std::uint64_t max_steps = 0;  ///< the longest training, >= 1, >= min_steps
  std::uint64_t reduction = 3;  ///< one of so many is trained on, to so many times the steps, >= 2
};

/// Settings come from another program, by lines of JSON: {"ask": 1} goes out, {"answer": 1, "setting":
/// {"gamma": 0.9}} comes in, and {"tell": 1, "value": 12.5} goes out when that setting is trained and
/// evaluated. `value` is the median over the seeds of the final means. Lines that cannot be used are answered
/// with {"refused": 1, "why": TEXT}, and the question stands.
struct SweepAsking {
  int input = 0;                         ///< a descriptor that answers are read from, which stays open
  int output = 1;                        ///< a descriptor that questions are written to, which stays open
  std::size_t trials = 0;                ///< questions in all calls together; 0: until the other side ends
  Milliseconds answer_timeout{600'000};  ///< for an answer; without one the sweep ends, > 0
};

/// What a sweep consists of, and how its runs are made.
struct SweepOptions {
  /// The sweep's directory. A sweep that is in it already goes on, and its settings and seeds stay part of
  /// it.
  std::filesystem::path directory;
  SweepDefinition definition;  ///< what this call asks for; not empty, but for the points with `asking`
  int jobs = 1;                ///< runs at a time, >= 1; each has its own workers

  /// Runs are trained by rungs. At most one of `halving` and `asking` is given; both need an evaluation. What
  /// a call began must go on with the same rungs, seeds and evaluation.
  std::optional<SweepHalving> halving = {};
  std::optional<SweepAsking> asking = {};  ///< another program chooses the settings
  /// Environment steps of all runs of the directory, those of earlier calls included: a run that would go
  /// beyond is not started, and then no other one. 0: no limit.
  std::uint64_t budget = 0;
  /// The environment steps after which a run ends, for `budget`. Empty, or nothing: not known, and such a run
  /// is started when any steps are left.
  std::function<std::optional<std::uint64_t>(const SweepRun&)> steps = {};

  /// Trains one run in its directory, as run::train() or a LoopbackCluster does. The run must end by itself.
  SweepProcess train;
  /// Evaluates all checkpoints of a run that has ended, and writes SweepRun::evaluations() and returns();
  /// evaluate_checkpoints() does that. A run whose evaluation did not write them has failed. Not needed when
  /// no run is evaluated.
  SweepProcess evaluate;
  /// How a run is evaluated; 0 episodes: not at all; fewer are refused. Empty: as EvaluationRequest says by
  /// itself. Checkpoints that were evaluated in the same way are not evaluated again.
  std::function<EvaluationRequest(const SweepRun&)> evaluation;

  /// Called for each run of the sweep before the first one is started; what it throws ends the sweep.
  /// `exists` is true when the directory holds a run that would go on or that has ended: the function checks
  /// that the run is the one that is asked for. Empty: nothing is checked.
  std::function<void(const SweepRun&, bool exists)> check;
  /// The value that an option has in a run whose setting leaves it alone, for results.csv. Empty: no text.
  std::function<std::string(const SweepRun&, const std::string& option)> value;

  /// What kind of run the sweep consists of. A directory belongs to one kind.
  std::string command = "train";
  /// More for sweep.json: the text of a JSON object. Empty: nothing more.
  std::string record;

  /// Asked some times a second. True ends the sweep: every run gets SIGTERM. Empty: never.
  std::function<bool()> stop;
  Milliseconds end_timeout{90'000};  ///< from SIGTERM to SIGKILL for a run that does not end, >= 0

  /// How messages name an option, given the field; RunOptions::option_name.
  std::function<std::string(std::string_view field)> option_name;
};

/// How far a sweep is.
struct SweepProgress {
  std::size_t done = 0;      ///< runs of this call that are trained and evaluated
  std::size_t due = 0;       ///< runs of this call; each rung of a run counts, as far as known
  std::uint64_t steps = 0;   ///< of all runs in the directory, those at work with what they will take
  std::uint64_t budget = 0;  ///< SweepOptions::budget
  std::optional<double> seconds_left;  ///< as the runs so far suggest; empty before there is one

  /// A run that a process is at work on.
  struct Job {
    const SweepRun* run = nullptr;  ///< valid during the call that it is told in
    bool evaluates = false;         ///< the run is trained and its checkpoints are evaluated
  };
  std::vector<Job> jobs;  ///< the oldest first
};

/// Derive from it to follow a sweep. Every function does nothing by default. All are called by the thread
/// that calls Sweep::run(), which waits for them; what they throw ends the sweep.
class SweepObserver {
 public:
  virtual ~SweepObserver() = default;
  /// Called once, before the first run is started.
  virtual void on_start(const SweepProgress&) {}
  /// Called when a run is started; SweepRun::resume says whether it goes on.
  virtual void on_run_start(const SweepRun&) {}
  /// Called when a run is trained and evaluated. `seconds` is how long that took in this call; `final_mean`
  /// is the mean return of its last weights, and empty without an evaluation.
  virtual void on_run_end(const SweepRun&, double /*seconds*/, std::optional<double> /*final_mean*/,
                          const SweepProgress&) {}
  /// Called some times a second.
  virtual void on_wait(const SweepProgress&) {}
};

/// What the last weights of all runs of a setting came to, over its seeds.
struct SettingStatistics {
  std::string setting;            ///< setting_name()
  std::size_t seeds = 0;          ///< runs that were evaluated
  double mean = 0;                ///< of the runs' mean returns
  double standard_deviation = 0;  ///< of the runs' mean returns, with n - 1; 0 for one run
  double min = 0;                 ///< lowest mean return
  double max = 0;                 ///< highest mean return
  double median = 0;              ///< of the runs' mean returns
  std::size_t rung = 0;           ///< with SweepOptions::halving: how many rungs it has come to
  std::uint64_t steps = 0;        ///< with SweepOptions::halving: those of its last rung, for each seed
};

/// What a sweep came to.
struct SweepSummary {
  bool stopped = false;               ///< SweepOptions::stop has ended it; the same call goes on with it
  std::size_t done = 0;               ///< SweepProgress::done
  std::size_t due = 0;                ///< SweepProgress::due
  std::vector<std::string> failures;  ///< runs that failed, and tables that could not be written
  /// In the order of the runs; those that were evaluated. With SweepOptions::halving those of the highest
  /// rung first, the best of them first.
  std::vector<SettingStatistics> settings;
  std::uint64_t steps = 0;        ///< environment steps that all runs in the directory have taken
  bool budget_spent = false;      ///< SweepOptions::budget has kept a run from being started
  std::filesystem::path results;  ///< the table of every run and checkpoint
};

/// Trains every setting with every seed, each in its own run directory and process, and evaluates the
/// checkpoints. After each run it replaces results.csv, a row for every checkpoint, and final_returns.csv,
/// the returns of each run's last weights, in the sweep's directory.
///
/// Made again with the same directory, it goes on: a run that ended by itself is taken as it is, a run with a
/// state goes on from it, a run without one is renamed to seed_N.dead_1 and made anew. A run that fails is
/// told in the log and does not keep the others from being made. A search (`halving`, `asking`) goes on in
/// the same way: what it had decided is in search.json, and no rung is lost or made twice.
///
/// **Threads and processes.** SweepProcess::function runs in forks of this process: call run() before the
/// program has threads. SIGCHLD must not be ignored. When this process dies, the runs hear of it and end.
class Sweep {
 public:
  /// Makes the directory, locks it for this object and the processes it starts, and checks all runs. Throws
  /// ArgumentError for options that are not possible, for a directory that holds something else or that
  /// another sweep or a run is at work in, and IoError.
  explicit Sweep(SweepOptions options);
  ~Sweep();
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  /// Makes the runs that are missing. To be called once: a second call throws ArgumentError.
  SweepSummary run(SweepObserver* observer = nullptr);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Plays each checkpoint of a run with `trainer`, whose network must be the run's, and writes evaluations()
/// and returns() of the run. It suits SweepOptions::evaluate. Throws ArgumentError when there is no
/// checkpoint, FormatError for a checkpoint of another network, and as CoreOrchestrator::evaluate().
void evaluate_checkpoints(CoreOrchestrator& trainer, const SweepRun& run, const EvaluationRequest& request);

}  // namespace run
}  // namespace genkidama
