#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "cli/commands/commands.h"
#include "cli/sweep/sweep_record.h"
#include "cli/sweep/sweep_runner.h"
#include "cli/sweep/sweep_standing.h"
#include "cli/terminal/live_line.h"
#include "genkidama/core/error.h"

namespace genkidama::cli {
namespace {

/// Held by a sweep and by every process it starts: two sweeps, or one and the remains of a killed one, must
/// not write into the same run directories.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::filesystem::path& directory)
      : file_(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (file_ < 0) {
      throw IoError(fmt::format("cannot open {}: {}", directory.string(), std::strerror(errno)));
    }
    if (flock(file_, LOCK_EX | LOCK_NB) == 0) return;
    const int error = errno;
    close(file_);
    if (error != EWOULDBLOCK) {
      throw IoError(fmt::format("cannot lock {}: {}", directory.string(), std::strerror(error)));
    }
    throw ArgumentError(
        fmt::format("--run-dir {}: a sweep is at work in this directory, or runs of one that was killed have "
                    "not ended yet; wait for them",
                    directory.string()));
  }
  ~DirectoryLock() { close(file_); }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

  int file() const { return file_; }

 private:
  int file_;
};

void make_directory(const SweepDirectory& directory) {
  RunDirectory(directory.path()).check_unused();
  std::error_code error;
  std::filesystem::create_directories(directory.path(), error);
  if (error) {
    throw IoError(
        fmt::format("cannot make the sweep's directory {}: {}", directory.path().string(), error.message()));
  }
}

// The places in `runs` of those that this call asks for.
std::vector<std::size_t> due_runs(const std::vector<SweepRun>& runs, const SweepDefinition& asked) {
  std::vector<std::size_t> due;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (std::count(asked.points.begin(), asked.points.end(), runs[i].point) > 0 &&
        std::count(asked.seeds.begin(), asked.seeds.end(), runs[i].seed) > 0) {
      due.push_back(i);
    }
  }
  return due;
}

}  // namespace

int run_sweep(Job job) {
  const Settings& settings = job.settings;
  const SweepDirectory directory(settings.run_dir);
  const Command command = command_of_runs(job);
  const SweepDefinition asked = parse_sweep_definition(settings.points, settings.grids, settings.seeds);
  // Everything that can be wrong with any run is said before the first one starts.
  SweepDefinition all = united(read_sweep_record(directory, command), asked);
  std::vector<SweepRun> runs = plan_sweep(job, all);
  make_directory(directory);
  const DirectoryLock lock(directory.path());
  // Another sweep may have ended here meanwhile, and added to the record.
  if (SweepDefinition now = united(read_sweep_record(directory, command), asked);
      now.points != all.points || now.seeds != all.seeds) {
    all = std::move(now);
    runs = plan_sweep(job, all);
  }
  for (const SweepRun& run : runs) check_agrees(run, job);
  write_sweep_record(directory, job, all);

  log_above_live_line();
  const std::vector<std::size_t> due = due_runs(runs, asked);
  return SweepRunner(job, std::move(runs), due, lock.file()).run();
}

}  // namespace genkidama::cli
