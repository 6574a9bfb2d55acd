#include "genkidama/run/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/run/run_options.h"
#include "run/directory/json_file.h"
#include "run/directory/run_directory.h"
#include "run/search/rungs.h"
#include "run/search/step_budget.h"
#include "run/sweep/ask_schedule.h"
#include "run/sweep/definition.h"
#include "run/sweep/directory_lock.h"
#include "run/sweep/halving_schedule.h"
#include "run/sweep/list_schedule.h"
#include "run/sweep/record.h"
#include "run/sweep/run_list.h"
#include "run/sweep/search_record.h"
#include "run/sweep/standing.h"
#include "run/sweep/sweep_runner.h"

namespace genkidama::run {
namespace {

void check_process(const SweepProcess& process, const char* name) {
  if (static_cast<bool>(process.function) == static_cast<bool>(process.words)) {
    throw ArgumentError(fmt::format("{}: {} function and words {} given; expected exactly one of them", name,
                                    process.words ? "both" : "neither of", process.words ? "are" : "is"));
  }
}

// How the run is evaluated; throws ArgumentError when that is not possible.
EvaluationRequest checked_evaluation(const SweepOptions& options, const SweepRun& run) {
  if (!options.evaluation) return {};
  const EvaluationRequest request = options.evaluation(run);
  if (request.episodes < 0) {
    throw ArgumentError(fmt::format("evaluation gives {} episodes for {}; expected 0 (none) or more",
                                    request.episodes, run.name()));
  }
  return request;
}

// A search compares trials by their evaluations.
void check_search(const SweepOptions& options, std::ptrdiff_t evaluated, std::size_t runs) {
  if (options.halving && options.asking) {
    throw ArgumentError("halving and asking are both given; expected at most one of them");
  }
  if (options.halving) {
    rungs_of(options.halving->min_steps, options.halving->max_steps, options.halving->reduction);
  }
  if (options.asking && options.asking->answer_timeout <= Milliseconds::zero()) {
    throw ArgumentError(
        fmt::format("answer_timeout is {} ms; expected more than 0", options.asking->answer_timeout.count()));
  }
  const bool searches = options.halving || options.asking;
  const bool evaluates = options.evaluation && evaluated == static_cast<std::ptrdiff_t>(runs);
  if (searches && !evaluates) {
    throw ArgumentError(
        fmt::format("{} needs an evaluation of every run, to compare them; expected at least 1 "
                    "episode",
                    options.halving ? "halving" : "asking"));
  }
}

SweepOptions checked(SweepOptions options) {
  if (options.directory.empty()) throw ArgumentError("directory is empty; a sweep needs a directory");
  if (options.jobs < 1) throw ArgumentError(fmt::format("jobs is {}; expected at least 1", options.jobs));
  if (options.end_timeout < Milliseconds::zero()) {
    throw ArgumentError(fmt::format("end_timeout is {} ms; expected 0 or more", options.end_timeout.count()));
  }
  check_process(options.train, "train");
  check_definition(options.definition, options.asking.has_value());
  check_json_object("record", options.record);
  auto runs = runs_of(options.definition, options.directory);
  if (runs.empty()) runs.push_back(run_of({}, options.definition.seeds.front(), options.directory));
  // Each of them is asked, so that all are checked.
  const auto evaluated = std::count_if(runs.begin(), runs.end(), [&options](const SweepRun& run) {
    return checked_evaluation(options, run).episodes > 0;
  });
  if (evaluated > 0) check_process(options.evaluate, "evaluate");
  check_search(options, evaluated, runs.size());
  return options;
}

void make_directory(const SweepOptions& options) {
  RunOptions run;
  run.option_name = options.option_name;
  RunDirectory(options.directory).check_unused(run);
  make_given_directory(fmt::format("{} {}", run.name_of("directory"), options.directory.string()),
                       options.directory);
}

DirectoryLock made_and_locked(const SweepOptions& options) {
  make_directory(options);
  return DirectoryLock(options.directory, name_of(options, "directory"));
}

}  // namespace

class Sweep::Impl {
 public:
  explicit Impl(SweepOptions options)
      : options_(checked(std::move(options))),
        lock_(made_and_locked(options_)),
        all_(united(read_sweep_record(options_), options_.definition)),
        budget_(options_.budget),
        runs_({}, options_.directory) {
    SearchRecord record;
    if (options_.halving || options_.asking)
      record = read_search_record(options_, record_of_search(options_));
    for (const SearchTrial& trial : record.trials) all_ = united(all_, {{trial.point}, {}});
    check_definition(all_, options_.asking.has_value());
    runs_ = RunList(all_, options_.directory);
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      check(runs_[i]);
      budget_.charge(i, steps_taken(RunDirectory(runs_[i].directory)));
    }
    schedule_ = made_schedule(std::move(record));
    write_sweep_record(options_, all_);
  }

  SweepSummary run(SweepObserver* observer) {
    if (std::exchange(ran_, true)) {
      throw ArgumentError("Sweep::run() was already called; make a new Sweep, which goes on with this one");
    }
    SweepObserver nobody;
    SweepRunner runner(options_, observer != nullptr ? *observer : nobody, runs_, *schedule_, budget_,
                       lock_.file());
    return runner.run();
  }

 private:
  std::unique_ptr<SweepSchedule> made_schedule(SearchRecord record) {
    if (options_.asking) {
      return std::make_unique<AskSchedule>(options_, runs_, budget_, std::move(record), all_,
                                           [this](const SweepRun& run) { check(run); });
    }
    if (!options_.halving) return std::make_unique<ListSchedule>(options_, runs_, budget_, due());
    std::vector<SweepPoint> begun;
    for (const SearchTrial& trial : record.trials) begun.push_back(trial.point);
    auto points = united({begun, {}}, {options_.definition.points, {}}).points;
    return std::make_unique<HalvingSchedule>(options_, runs_, budget_, std::move(record), std::move(points));
  }

  void check(const SweepRun& run) const {
    const RunDirectory directory(run.directory);
    check_usable(directory);
    checked_evaluation(options_, run);
    if (!options_.check) return;
    const RunStanding standing = standing_of(directory);
    // What is started anew need not agree with what is there.
    options_.check(run, standing == RunStanding::kStopped || standing == RunStanding::kFinished);
  }

  // The places of the runs that this call asks for.
  std::vector<std::size_t> due() const {
    const SweepDefinition& asked = options_.definition;
    std::vector<std::size_t> due;
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      if (std::count(asked.points.begin(), asked.points.end(), runs_[i].point) > 0 &&
          std::count(asked.seeds.begin(), asked.seeds.end(), runs_[i].seed) > 0) {
        due.push_back(i);
      }
    }
    return due;
  }

  const SweepOptions options_;
  const DirectoryLock lock_;
  SweepDefinition all_;  // what earlier sweeps in the directory asked for too
  StepBudget budget_;
  RunList runs_;
  std::unique_ptr<SweepSchedule> schedule_;
  bool ran_ = false;
};

Sweep::Sweep(SweepOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Sweep::~Sweep() = default;

SweepSummary Sweep::run(SweepObserver* observer) {
  return impl_->run(observer);
}

}  // namespace genkidama::run
