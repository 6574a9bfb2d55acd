#include "run/state/run_state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"
#include "genkidama/core/version.h"
#include "genkidama/params/safetensors.h"
#include "params/checkpoint_layout.h"
#include "params/checkpoint_parts.h"
#include "rl/policy_record.h"

namespace genkidama::run {
namespace {

constexpr const char* kChecksum = "checksum";
// Says that there must be a checksum: states of versions before had neither.
constexpr const char* kFormat = "state_format";

void save(const RunTotals& totals, StateWriter& state) {
  state.u64("updates", totals.updates);
  state.u64("environment_steps", totals.in_run.steps);
  state.u64("episodes", totals.in_run.episodes);
  state.f64("wall_seconds", totals.wall_seconds);
  if (totals.time_to_target_seconds) state.f64("time_to_target_seconds", *totals.time_to_target_seconds);
  state.u64("worker_restarts", totals.worker_restarts);
  state.u64("lost_episodes", totals.lost_episodes);
  state.u64("dropped_steps", totals.dropped_steps);
  if (totals.model_error) state.f64("model_error", *totals.model_error);
  state.u64("exchanges", totals.exchanges);
  state.u64("reconnects", totals.reconnects);
}

RunTotals totals_in(const StateReader& state) {
  RunTotals totals;
  totals.updates = state.u64("updates");
  totals.in_run.steps = state.u64("environment_steps");
  totals.in_run.episodes = state.u64("episodes");
  totals.wall_seconds = state.f64("wall_seconds");
  if (state.has("time_to_target_seconds"))
    totals.time_to_target_seconds = state.f64("time_to_target_seconds");
  // States written before these were counted have none.
  totals.worker_restarts = state.u64_or("worker_restarts", 0);
  totals.lost_episodes = state.u64_or("lost_episodes", 0);
  totals.dropped_steps = state.u64_or("dropped_steps", 0);
  if (state.has("model_error")) totals.model_error = state.f64("model_error");
  totals.exchanges = state.u64_or("exchanges", 0);
  totals.reconnects = state.u64_or("reconnects", 0);
  return totals;
}

void save(const ChildSessionState& session, StateWriter& state) {
  if (session.run_id.empty()) return;
  state.text("session_run_id", session.run_id);
  const Played& played = session.since_child_began;
  state.u64s("session", std::array{session.session, session.sequence, played.steps, played.episodes});
}

ChildSessionState session_in(const StateReader& state) {
  const auto numbers = state.u64s("session");
  if (numbers.size() != 4) return {};
  return {state.text("session_run_id"), numbers[0], numbers[1], {numbers[2], numbers[3]}};
}

void save(const EvaluationProgress& evaluations, StateWriter& state) {
  if (evaluations.lowest_training_mean) state.f64("lowest_training_mean", *evaluations.lowest_training_mean);
  if (!evaluations.best_mean) return;
  state.f64("best_mean", *evaluations.best_mean);
  state.u64("evaluations_without_improvement", evaluations.without_improvement);
}

EvaluationProgress evaluations_in(const StateReader& state) {
  EvaluationProgress evaluations;
  if (state.has("lowest_training_mean")) evaluations.lowest_training_mean = state.f64("lowest_training_mean");
  if (!state.has("best_mean")) return evaluations;
  evaluations.best_mean = state.f64("best_mean");
  evaluations.without_improvement = state.u64("evaluations_without_improvement");
  return evaluations;
}

void save(const MachineTime& time, StateWriter& state) {
  if (time.boot.empty()) return;
  state.text("written_boot", time.boot);
  state.f64("written_seconds", time.seconds);
}

MachineTime time_in(const StateReader& state) {
  return {state.text("written_boot"), state.f64_or("written_seconds", 0)};
}

void save(const RunSubject& subject, StateWriter& state) {
  const auto save_text = [&state](const char* name, const std::string& text) {
    if (!text.empty()) state.text(name, to_utf8(text));
  };
  save_text("run_kind", subject.kind);
  save_text("environment", subject.environment);
  save_text("network", subject.policy.network);
  save_text("behaviour", subject.policy.behaviour);
  save_text("normalisation", subject.policy.normalisation);
}

RunSubject subject_in(const StateReader& state) {
  return {.kind = state.text("run_kind"),
          .environment = state.text("environment"),
          .policy = {.network = state.text("network"),
                     .behaviour = state.text("behaviour"),
                     .normalisation = state.text("normalisation")}};
}

void save(const RunState& run, StateWriter& state) {
  state.text(kFormat, "2");
  state.text("genkidama_version", kVersion);
  save(run.subject, state);
  save(run.totals, state);
  if (run.trainer != nullptr) run.trainer->save(state);
  if (run.average != nullptr) run.average->save(state);
  state.f64s("recent_returns", run.recent_returns);
  if (run.evaluation_missing) state.u64("evaluation_missing", 1);
  save(run.evaluations, state);
  save(run.session, state);
  if (!run.children.empty()) state.text("children", run.children);
  save(machine_time(), state);
}

RunState run_in(const StateReader& state, std::span<const float> weights) {
  RunState run;
  run.subject = subject_in(state);
  run.totals = totals_in(state);
  run.weights.assign(weights.begin(), weights.end());
  run.average_kind = PolicyAverage::kind_in(state);
  run.recent_returns = state.f64s("recent_returns");
  run.evaluation_missing = state.has("evaluation_missing");
  run.evaluations = evaluations_in(state);
  run.session = session_in(state);
  run.children = state.text("children");
  run.written = time_in(state);
  return run;
}

std::string checksum_text(std::uint64_t checksum) {
  return fmt::format("{:016x}", checksum);
}

void check_checksum(const std::filesystem::path& path, Checkpoint& file) {
  const auto field = file.metadata.find(kChecksum);
  if (field == file.metadata.end()) {
    if (file.metadata.count(kFormat) == 0) return;
    throw FormatError(fmt::format("'{}' is damaged: it has no checksum", path.string()));
  }
  const std::string recorded = field->second;
  file.metadata.erase(field);
  if (checksum_text(checksum_of(file)) != recorded) {
    throw FormatError(fmt::format("'{}' is damaged: its checksum is not that of its content", path.string()));
  }
}

std::string text_of_kind(const std::string& kind) {
  if (kind == run_kind::kTrainer) return "a run of one machine alone";
  if (kind == run_kind::kChild) return "a Child's run";
  if (kind == run_kind::kParent) return "a Parent's run";
  return fmt::format("a run of kind '{}'", kind);
}

/// Whether both say something, and not the same.
bool differ(const std::string& held, const std::string& expected) {
  return !held.empty() && !expected.empty() && held != to_utf8(expected);
}

void check_subject(const std::filesystem::path& path, const RunSubject& held, const RunSubject& expected) {
  if (differ(held.kind, expected.kind)) {
    throw LayoutError(fmt::format(
        "'{}' is the state of {}; expected that of {}: go on with what has made it, or take another "
        "directory",
        path.string(), text_of_kind(held.kind), text_of_kind(expected.kind)));
  }
  // The names say more than the tensors by which networks differ, and may differ where no tensor does.
  PolicyRecord record;
  record.network = held.policy.network;
  check_same_network(path, record, expected.policy.network);
  const auto compare = [&path](const char* what, const std::string& is, const std::string& would_be) {
    if (!differ(is, would_be)) return;
    throw OtherSubjectError(fmt::format("'{}' is the state of a run whose {} is '{}', and here it is '{}'",
                                        path.string(), what, is, would_be));
  };
  compare("environment", held.environment, expected.environment);
  compare("way from outputs to actions", held.policy.behaviour, expected.policy.behaviour);
  compare("normalisation", held.policy.normalisation, expected.policy.normalisation);
}

void check_may_be_read(const std::filesystem::path& file) {
  if (::faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) == 0 || errno != EACCES) return;
  throw IoError(fmt::format(
      "{}: this process may not read the file; expected one that it may read: change its owner or its mode",
      file.string()));
}

/// The network's tensors first, then the fields' as they are.
ParameterLayout layout_of_state(const ParameterLayout& network, const Checkpoint& file) {
  std::vector<ParameterLayout::Tensor> tensors;
  for (const TensorInfo& tensor : network.tensors()) tensors.push_back({tensor.name, tensor.shape});
  for (const auto& tensor : StateReader(file, "", network).tensors()) tensors.push_back(tensor);
  return ParameterLayout(tensors);
}

}  // namespace

std::filesystem::path previous_state_of(const std::filesystem::path& path) {
  return path.parent_path() / (path.stem().string() + ".previous" + path.extension().string());
}

void write_run_state(const std::filesystem::path& path, const ParameterLayout& layout,
                     const RunState& state) {
  write_run_state(path, layout, state.weights, state);
}

void write_run_state(const std::filesystem::path& path, const ParameterLayout& layout,
                     std::span<const float> weights, const RunState& state) {
  StateWriter fields = StateWriter::referring_to(layout, weights);
  save(state, fields);
  const ParameterLayout whole = fields.layout();
  const auto values = fields.values();
  const CheckpointParts file{whole, values, fields.metadata()};
  fields.metadata()[kChecksum] = checksum_text(checksum_of(file));
  write_safetensors_keeping_previous(path, previous_state_of(path), file);
}

RunState read_run_state(const std::filesystem::path& path, const ParameterLayout& layout, Saveable* trainer,
                        PolicyAverage& average, const RunSubject& subject) {
  // The checksum comes first: a damaged file must not be taken for one of another network. What it has
  // vouched for is what is used: the file may be replaced, or its disk fail, before it could be read again.
  Checkpoint file = read_safetensors(path);
  check_checksum(path, file);
  check_subject(path, subject_in(StateReader(file, path.string())), subject);
  const ParameterLayout expected = layout_of_state(layout, file);
  file = in_layout(path, std::move(file), expected);
  const StateReader fields(file, path.string(), layout);
  RunState state = run_in(fields, std::span(file.weights).first(layout.size()));
  // Not left to the first update: by then other weights would have been trained.
  if (!fields.floats("policy_average").values.empty()) fields.floats("policy_average", layout.size());
  average.restore(fields);
  if (trainer != nullptr) trainer->restore(fields);
  fields.check_all_floats_read();
  return state;
}

bool is_run_state(const Checkpoint& file) {
  return file.metadata.count(kFormat) > 0 || file.metadata.count("optimizer_steps") > 0;
}

std::string run_state_problem(const std::filesystem::path& path) {
  std::string problems;
  for (const std::filesystem::path& file : {path, previous_state_of(path)}) {
    check_may_be_read(file);
    try {
      Checkpoint state = read_safetensors(file);
      check_checksum(file, state);
      return "";
    } catch (const Error& error) {
      problems += (problems.empty() ? "" : "; ") + std::string(error.what());
    }
  }
  return problems;
}

NewestRunState read_newest_run_state(const std::filesystem::path& path, const ParameterLayout& layout,
                                     Saveable* trainer, PolicyAverage& average, const RunSubject& subject) {
  std::string problems;
  for (const std::filesystem::path& file : {path, previous_state_of(path)}) {
    // It may well be sound: going on from an older one would throw work away.
    check_may_be_read(file);
    try {
      return {read_run_state(file, layout, trainer, average, subject), file, problems};
    } catch (const LayoutError&) {
      throw;  // the one before it would be of the same network
    } catch (const Error& error) {
      problems += (problems.empty() ? "" : "; ") + std::string(error.what());
    }
  }
  throw FormatError(fmt::format("no state that can be read: {}", problems));
}

}  // namespace genkidama::run
