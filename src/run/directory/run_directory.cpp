#include "run/directory/run_directory.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <string>
#include <system_error>

#include "core/write_advice.h"
#include "genkidama/core/error.h"
#include "run/directory/run_lock.h"

namespace genkidama::run {
namespace {

// A header alone was left by a run that never got going, for instance because its port was in use.
bool has_rows(const std::filesystem::path& table) {
  std::ifstream file(table);
  std::string line;
  return std::getline(file, line) && std::getline(file, line);
}

// The value may have been cast from a number.
void check_resume(const RunOptions& options) {
  const Resume resume = options.resume;
  if (resume == Resume::kNever || resume == Resume::kIfPossible || resume == Resume::kRequired) return;
  throw ArgumentError(fmt::format("{} is {}; expected one of the values of Resume", options.name_of("resume"),
                                  static_cast<int>(resume)));
}

std::string unmade_text(const std::filesystem::path& directory, const std::error_code& error) {
  return fmt::format("cannot make the directory {}: {}; {}", directory.string(), error.message(),
                     write_advice(error.value()));
}

bool has_files(const std::filesystem::path& directory) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".safetensors") return true;
  }
  return false;
}

}  // namespace

std::filesystem::path RunDirectory::checkpoint(std::uint64_t update) const {
  return path_ / "checkpoints" / fmt::format("update_{:06}.safetensors", update);
}

std::filesystem::path RunDirectory::group(int number) const {
  return path_ / "groups" / fmt::format("group_{}", number);
}

std::filesystem::path RunDirectory::child(int number) const {
  return path_ / "children" / fmt::format("child_{}", number);
}

bool RunDirectory::goes_on(const RunOptions& options) const {
  check_resume(options);
  std::error_code ignored;
  const bool resumes =
      options.resume == Resume::kRequired ||
      (options.resume == Resume::kIfPossible && (std::filesystem::exists(config(), ignored) || has_state()));
  if (resumes) {
    check_resumable(options);
    check_begins(options);
  } else if (!options.cluster_member) {
    check_no_sweep(options);
    check_unused(options);
  }
  return resumes;
}

void RunDirectory::check_begins(const RunOptions& options) const {
  // The Parent of a cluster is told what the cluster was told.
  if (options.resume != Resume::kRequired || options.cluster_member || !has_state()) return;
  const auto refuse = [&](const char* option, const std::filesystem::path& file, const char* with) {
    throw ArgumentError(
        fmt::format("{} {}: the run in {} goes on from its own state; leave {} out, or begin a run with {} "
                    "in a new directory",
                    options.name_of(option), file.string(), path_.string(), options.name_of(option), with));
  };
  if (!options.init_from.empty()) refuse("init_from", options.init_from, "these weights");
  if (!options.demonstrations.empty()) refuse("demonstrations", options.demonstrations, "them");
}

void RunDirectory::check_no_sweep(const RunOptions& options) const {
  std::error_code ignored;
  if (std::filesystem::exists(path_ / "sweep.json", ignored)) {
    throw ArgumentError(fmt::format(
        "{} {}: a sweep is in this directory, which a run would spoil; expected a directory of its own: take "
        "another one",
        options.name_of("directory"), path_.string()));
  }
}

void RunDirectory::check_unused(const RunOptions& options) const {
  std::error_code ignored;
  const auto status = std::filesystem::status(path_, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_directory(status)) {
    throw ArgumentError(
        fmt::format("{} {}: this is not a directory", options.name_of("directory"), path_.string()));
  }
  if (const auto foreign = foreign_file(); !foreign.empty()) {
    throw ArgumentError(
        fmt::format("{} {}: {} is there, which a run would replace, and no run has made it (there is no "
                    "config.json); take another directory, or move the file away",
                    options.name_of("directory"), path_.string(), foreign.string()));
  }
  if (has_run() || has_peers()) {
    throw ArgumentError(fmt::format("{} {}: a run is in this directory already; {}take another directory",
                                    options.name_of("directory"), path_.string(), way_on(options)));
  }
}

bool RunDirectory::has_run() const {
  std::error_code ignored;
  return has_state() || std::filesystem::exists(final_weights(), ignored) || has_rows(metrics());
}

bool RunDirectory::has_peers() const {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(peers(), error), end; !error && entry != end;
       entry.increment(error)) {
    if (RunDirectory(entry->path()).has_run()) return true;
  }
  return false;
}

std::string RunDirectory::way_on(const RunOptions& options) const {
  if (!is_resumable()) return "it has no state.safetensors to go on from, so ";
  const std::string resume = fmt::format("{} {}", options.name_of("resume"), path_.string());
  std::error_code ignored;
  if (std::filesystem::exists(config(), ignored)) return fmt::format("go on with it by {} or ", resume);
  return fmt::format("its config.json is gone: put that back and go on with the run by {}, or ", resume);
}

std::filesystem::path RunDirectory::foreign_file() const {
  std::error_code ignored;
  if (std::filesystem::exists(config(), ignored) || has_state()) return {};
  for (const auto& file : {metrics(), evaluations(), best_weights(), final_weights(), cloning(), summary()}) {
    if (std::filesystem::exists(file, ignored)) return file;
  }
  const auto checkpoints = path_ / "checkpoints";
  return has_files(checkpoints) ? checkpoints : std::filesystem::path();
}

bool RunDirectory::has_state() const {
  std::error_code ignored;
  return std::filesystem::exists(state(), ignored) || std::filesystem::exists(previous_state(), ignored);
}

void RunDirectory::check_resumable(const RunOptions& options) const {
  if (has_state()) return;
  std::error_code ignored;
  if (!std::filesystem::exists(config(), ignored)) {
    throw ArgumentError(fmt::format("{} {}: there is no run in this directory (no config.json)",
                                    options.name_of("resume"), path_.string()));
  }
  // The state is written before any of these, so somebody has removed it: begun again, the run would replace
  // what is there.
  const bool has_weights =
      std::filesystem::exists(final_weights(), ignored) || has_files(path_ / "checkpoints");
  if (!has_weights) return;
  throw ArgumentError(
      fmt::format("{} {}: there is no state.safetensors, although weights were written; it was removed, "
                  "and without it the run cannot go on: start another in a new directory",
                  options.name_of("resume"), path_.string()));
}

bool RunDirectory::is_resumable() const {
  try {
    check_resumable();
    return true;
  } catch (const ArgumentError&) {
    return false;
  }
}

bool RunDirectory::is_at_work() const {
  return RunLock::is_held(lock()) || RunLock::is_held(cluster_lock());
}

void RunDirectory::create() const {
  const auto checkpoints = path_ / "checkpoints";
  std::error_code error;
  std::filesystem::create_directories(checkpoints, error);
  if (error) throw IoError(unmade_text(checkpoints, error));
}

void RunDirectory::create(const RunOptions& options) const {
  const char* const option = options.resume == Resume::kRequired ? "resume" : "directory";
  const std::string given = fmt::format("{} {}", options.name_of(option), path_.string());
  make_given_directory(given, path_);
  make_given_directory(given, path_ / "checkpoints");
}

void make_given_directory(const std::string& option, const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error) return;
  if (error == std::errc::no_space_on_device || error == std::errc::io_error)
    throw IoError(unmade_text(directory, error));
  throw ArgumentError(fmt::format("{}: {}", option, unmade_text(directory, error)));
}

void move_aside(const RunDirectory& directory, const std::string& what, int first_number) {
  std::error_code error;
  for (int number = first_number;; ++number) {
    const std::string end = number == 0 ? what : fmt::format("{}_{}", what, number);
    const std::filesystem::path place = directory.path().string() + "." + end;
    if (std::filesystem::exists(place, error)) continue;
    std::filesystem::rename(directory.path(), place, error);
    if (!error) return;
    throw IoError(
        fmt::format("cannot rename {}: {}; it must make room for a run: make the directory above it "
                    "writable, or move it away",
                    directory.path().string(), error.message()));
  }
}

std::string default_run_directory(const std::string& program) {
  // A program may be called by a path, or anything else; the directory is one below runs/.
  std::string name = program.empty() ? "run" : program;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || static_cast<unsigned char>(c) < ' '; }, '-');
  return fmt::format("runs/{}-{:%Y%m%d-%H%M%S}-{}", name, fmt::localtime(std::time(nullptr)), getpid());
}

}  // namespace genkidama::run
