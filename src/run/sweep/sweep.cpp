#include "genkidama/run/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/run/run_options.h"
#include "run/directory/json_file.h"
#include "run/directory/run_directory.h"
#include "run/sweep/definition.h"
#include "run/sweep/directory_lock.h"
#include "run/sweep/record.h"
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

SweepOptions checked(SweepOptions options) {
  if (options.directory.empty()) throw ArgumentError("directory is empty; a sweep needs a directory");
  if (options.jobs < 1) throw ArgumentError(fmt::format("jobs is {}; expected at least 1", options.jobs));
  if (options.end_timeout < Milliseconds::zero()) {
    throw ArgumentError(fmt::format("end_timeout is {} ms; expected 0 or more", options.end_timeout.count()));
  }
  check_process(options.train, "train");
  check_definition(options.definition);
  check_json_object("record", options.record);
  const auto runs = runs_of(options.definition, options.directory);
  // Each of them is asked, so that all are checked.
  const auto evaluated = std::count_if(runs.begin(), runs.end(), [&options](const SweepRun& run) {
    return checked_evaluation(options, run).episodes > 0;
  });
  if (evaluated > 0) check_process(options.evaluate, "evaluate");
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
      : options_(checked(std::move(options))), lock_(made_and_locked(options_)) {
    const SweepDefinition all = united(read_sweep_record(options_), options_.definition);
    check_definition(all);
    runs_ = runs_of(all, options_.directory);
    for (const SweepRun& run : runs_) check(run);
    write_sweep_record(options_, all);
  }

  SweepSummary run(SweepObserver* observer) {
    if (std::exchange(ran_, true)) {
      throw ArgumentError("Sweep::run() was already called; make a new Sweep, which goes on with this one");
    }
    SweepObserver nobody;
    SweepRunner runner(options_, observer != nullptr ? *observer : nobody, runs_, due(), lock_.file());
    return runner.run();
  }

 private:
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
  std::vector<SweepRun> runs_;  // those that earlier sweeps in the directory asked for too
  bool ran_ = false;
};

Sweep::Sweep(SweepOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Sweep::~Sweep() = default;

SweepSummary Sweep::run(SweepObserver* observer) {
  return impl_->run(observer);
}

}  // namespace genkidama::run
