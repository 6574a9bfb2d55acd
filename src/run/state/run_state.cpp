#include "run/state/run_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/version.h"
#include "genkidama/params/safetensors.h"
#include "params/checkpoint_layout.h"

namespace genkidama::run {
namespace {

constexpr const char* kOptimizerTensor = "genkidama.optimizer_state";
constexpr const char* kReplayTensor = "genkidama.replay.";  // and the worker's number
constexpr const char* kAverageTensor = "genkidama.policy_average";
constexpr const char* kAverageKind = "policy_average";
constexpr const char* kAverageCount = "policy_average_count";
constexpr const char* kReplayStored = "replay_stored";
// States written before actions could have several components have no such field; theirs have one.
constexpr const char* kReplayActionWidth = "replay_action_width";
constexpr const char* kRecentReturns = "recent_returns";
constexpr const char* kEvaluationMissing = "evaluation_missing";
constexpr const char* kSessionRun = "session_run_id";
constexpr const char* kSession = "session";
constexpr const char* kChildren = "children";
constexpr const char* kTimeToTarget = "time_to_target_seconds";
constexpr const char* kWrittenBoot = "written_boot";
constexpr const char* kWrittenSeconds = "written_seconds";
constexpr const char* kChecksum = "checksum";
// Says that there must be a checksum: states of versions before had neither.
constexpr const char* kFormat = "state_format";

std::string replay_tensor(std::size_t worker) {
  return fmt::format("{}{}", kReplayTensor, worker);
}

/// A row holds observation, action, reward, next observation, terminated, truncated.
struct RowShape {
  std::size_t observation = 0;
  std::size_t action = 0;
  std::size_t values() const { return 2 * observation + action + 3; }
};

RowShape shape_of(const TransitionBatch& rows) {
  return {rows.observations.size() / rows.size(), rows.actions.size() / rows.size()};
}

void append_rows(const TransitionBatch& rows, std::vector<float>& values) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto append = [&values, i, &rows](const std::vector<float>& from) {
      const auto size = static_cast<std::ptrdiff_t>(from.size() / rows.size());
      const auto begin = from.begin() + static_cast<std::ptrdiff_t>(i) * size;
      values.insert(values.end(), begin, begin + size);
    };
    append(rows.observations);
    append(rows.actions);
    values.push_back(rows.rewards[i]);
    append(rows.next_observations);
    values.push_back(rows.terminated[i]);
    values.push_back(rows.truncated[i]);
  }
}

TransitionBatch rows_of(const float* value, std::size_t count, const RowShape& shape) {
  TransitionBatch rows;
  const auto take = [&value](std::vector<float>& into, std::size_t size) {
    into.insert(into.end(), value, value + size);
    value += size;
  };
  for (std::size_t i = 0; i < count; ++i) {
    take(rows.observations, shape.observation);
    take(rows.actions, shape.action);
    rows.rewards.push_back(*value++);
    take(rows.next_observations, shape.observation);
    rows.terminated.push_back(*value++ != 0);
    rows.truncated.push_back(*value++ != 0);
  }
  return rows;
}

/// "1,2.5,-3".
template <typename Number>
std::string list_text(const std::vector<Number>& numbers) {
  std::string text;
  for (const Number number : numbers) text += fmt::format("{}{}", text.empty() ? "" : ",", number);
  return text;
}

/// The metadata's numbers.
class Fields {
 public:
  Fields(const std::map<std::string, std::string>& fields, std::string file)
      : fields_(fields), file_(std::move(file)) {}

  template <typename Number>
  Number number(const std::string& key) const {
    const auto field = fields_.find(key);
    Number value{};
    if (field != fields_.end() && parse(field->second, value)) return value;
    throw FormatError(fmt::format("{}: not the state of a run: its metadata has no number '{}'", file_, key));
  }

  template <typename Number>
  Number number_or(const std::string& key, Number otherwise) const {
    return has(key) ? number<Number>(key) : otherwise;
  }

  template <typename Number>
  std::vector<Number> numbers(const std::string& key) const {
    std::vector<Number> result;
    const std::string list = text(key);
    for (std::size_t at = 0; at < list.size();) {
      const std::size_t end = std::min(list.find(',', at), list.size());
      Number value{};
      if (!parse(list.substr(at, end - at), value)) {
        throw FormatError(fmt::format("{}: its metadata's '{}' is not a list of numbers", file_, key));
      }
      result.push_back(value);
      at = end + 1;
    }
    return result;
  }

  std::string text(const std::string& key) const {
    const auto field = fields_.find(key);
    return field == fields_.end() ? "" : field->second;
  }

  bool has(const std::string& key) const { return fields_.count(key) > 0; }

 private:
  template <typename Number>
  static bool parse(const std::string& text, Number& value) {
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    return result.ec == std::errc() && result.ptr == text.data() + text.size();
  }

  const std::map<std::string, std::string>& fields_;
  std::string file_;
};

std::map<std::string, std::string> metadata_of(const RunState& state) {
  const RunTotals& totals = state.totals;
  std::map<std::string, std::string> fields = {{"genkidama_version", kVersion}, {kFormat, "2"}};
  const auto put = [&fields](const char* key, auto number) { fields[key] = fmt::format("{}", number); };
  put("updates", totals.updates);
  put("environment_steps", totals.environment_steps);
  put("episodes", totals.episodes);
  put("wall_seconds", totals.wall_seconds);
  put("worker_restarts", totals.worker_restarts);
  put("exchanges", totals.exchanges);
  put("reconnects", totals.reconnects);
  put("optimizer_steps", state.optimizer_steps);
  put("rounds", state.rounds);
  if (const MachineTime now = machine_time(); !now.boot.empty()) {
    fields[kWrittenBoot] = now.boot;
    put(kWrittenSeconds, now.seconds);
  }
  if (totals.time_to_target_seconds) put(kTimeToTarget, *totals.time_to_target_seconds);
  if (!state.average.weights.empty()) {
    fields[kAverageKind] = state.policy_average;
    put(kAverageCount, state.average.count);
  }
  const ChildSessionState& session = state.session;
  if (!session.run_id.empty()) {
    fields[kSessionRun] = session.run_id;
    fields[kSession] = list_text(std::vector<std::uint64_t>{session.session, session.sequence,
                                                            session.environment_steps, session.episodes});
  }
  if (state.evaluation_missing) put(kEvaluationMissing, 1);
  if (!state.recent_returns.empty()) fields[kRecentReturns] = list_text(state.recent_returns);
  if (!state.children.empty()) fields[kChildren] = state.children;
  if (!state.replay.empty()) {
    std::vector<std::uint64_t> stored;
    for (const ReplayShare& share : state.replay) stored.push_back(share.stored);
    fields[kReplayStored] = list_text(stored);
    for (const ReplayShare& share : state.replay) {
      if (share.newest.size() > 0) put(kReplayActionWidth, shape_of(share.newest).action);
    }
  }
  return fields;
}

/// Weights, the optimizer's state, the replay buffer's rows, the policy's average: each but the first only
/// when there is any.
Checkpoint file_of(const ParameterLayout& network, const RunState& state) {
  Checkpoint file;
  std::vector<ParameterLayout::Tensor> tensors;
  for (const TensorInfo& tensor : network.tensors()) tensors.push_back({tensor.name, tensor.shape});
  file.weights = state.weights;
  const auto add = [&](const std::string& name, const std::vector<float>& values) {
    if (values.empty()) return;
    tensors.push_back({name, {static_cast<std::int64_t>(values.size())}});
    file.weights.insert(file.weights.end(), values.begin(), values.end());
  };
  add(kOptimizerTensor, state.optimizer_state);
  for (std::size_t i = 0; i < state.replay.size(); ++i) {
    const TransitionBatch& rows = state.replay[i].newest;
    if (rows.size() == 0) continue;
    const auto width = static_cast<std::int64_t>(shape_of(rows).values());
    tensors.push_back({replay_tensor(i), {static_cast<std::int64_t>(rows.size()), width}});
    append_rows(rows, file.weights);
  }
  add(kAverageTensor, state.average.weights);
  file.layout = ParameterLayout(tensors);
  file.metadata = metadata_of(state);
  return file;
}

std::string checksum_text(const Checkpoint& file) {
  return fmt::format("{:016x}", checksum_of(file));
}

void check_checksum(const std::filesystem::path& path, Checkpoint& file) {
  const auto field = file.metadata.find(kChecksum);
  if (field == file.metadata.end()) {
    if (file.metadata.count(kFormat) == 0) return;
    throw FormatError(fmt::format("'{}' is damaged: it has no checksum", path.string()));
  }
  const std::string recorded = field->second;
  file.metadata.erase(field);
  if (checksum_text(file) != recorded) {
    throw FormatError(fmt::format("'{}' is damaged: its checksum is not that of its content", path.string()));
  }
}

bool begins_with(const std::string& text, const char* start) {
  return text.rfind(start, 0) == 0;
}

/// What a state of this network and optimizer with the further tensors of this file looks like.
ParameterLayout expected_layout(const ParameterLayout& network, std::size_t optimizer_state_size,
                                const ParameterLayout& given) {
  std::vector<ParameterLayout::Tensor> tensors;
  for (const TensorInfo& tensor : network.tensors()) tensors.push_back({tensor.name, tensor.shape});
  if (optimizer_state_size > 0) {
    tensors.push_back({kOptimizerTensor, {static_cast<std::int64_t>(optimizer_state_size)}});
  }
  for (const TensorInfo& tensor : given.tensors()) {
    if (begins_with(tensor.name, kReplayTensor)) tensors.push_back({tensor.name, tensor.shape});
    if (tensor.name == kAverageTensor)
      tensors.push_back({tensor.name, {static_cast<std::int64_t>(network.size())}});
  }
  return ParameterLayout(tensors);
}

std::vector<ReplayShare> replay_of(const std::filesystem::path& path, const Checkpoint& file,
                                   const Fields& fields) {
  std::vector<ReplayShare> replay;
  const auto action_width = fields.number_or<std::size_t>(kReplayActionWidth, 1);
  for (const std::uint64_t stored : fields.numbers<std::uint64_t>(kReplayStored))
    replay.push_back({stored, {}});
  for (const TensorInfo& tensor : file.layout.tensors()) {
    if (!begins_with(tensor.name, kReplayTensor)) continue;
    std::size_t worker = 0;
    while (worker < replay.size() && replay_tensor(worker) != tensor.name) ++worker;
    const auto width = tensor.shape.size() == 2 ? static_cast<std::size_t>(tensor.shape[1]) : 0;
    if (worker == replay.size() || action_width == 0 || action_width > width || width < action_width + 5 ||
        (width - action_width) % 2 == 0) {
      throw FormatError(fmt::format("{}: its tensor '{}' {} is no part of a replay buffer", path.string(),
                                    tensor.name, shape_text(tensor.shape)));
    }
    replay[worker].newest =
        rows_of(file.weights.data() + tensor.offset, static_cast<std::size_t>(tensor.shape[0]),
                {(width - action_width - 3) / 2, action_width});
  }
  return replay;
}

}  // namespace

std::filesystem::path previous_state_of(const std::filesystem::path& path) {
  return path.parent_path() / (path.stem().string() + ".previous" + path.extension().string());
}

void write_run_state(const std::filesystem::path& path, const ParameterLayout& layout,
                     const RunState& state) {
  Checkpoint file = file_of(layout, state);
  file.metadata[kChecksum] = checksum_text(file);
  write_safetensors_keeping_previous(path, previous_state_of(path), file);
}

RunState read_run_state(const std::filesystem::path& path, const ParameterLayout& layout,
                        std::size_t optimizer_state_size) {
  // The checksum comes first: a damaged file must not be taken for one of another network. What it has
  // vouched for is what is used: the file may be replaced, or its disk fail, before it could be read again.
  Checkpoint file = read_safetensors(path);
  check_checksum(path, file);
  const ParameterLayout expected = expected_layout(layout, optimizer_state_size, file.layout);
  file = in_layout(path, std::move(file), expected);
  const Fields fields(file.metadata, path.string());
  RunState state;
  RunTotals& totals = state.totals;
  totals.updates = fields.number<std::uint64_t>("updates");
  totals.environment_steps = fields.number<std::uint64_t>("environment_steps");
  totals.episodes = fields.number<std::uint64_t>("episodes");
  totals.wall_seconds = fields.number<double>("wall_seconds");
  if (fields.has(kTimeToTarget)) totals.time_to_target_seconds = fields.number<double>(kTimeToTarget);
  totals.worker_restarts = fields.number_or<std::uint64_t>("worker_restarts", 0);
  totals.exchanges = fields.number_or<std::uint64_t>("exchanges", 0);
  totals.reconnects = fields.number_or<std::uint64_t>("reconnects", 0);
  state.optimizer_steps = fields.number<std::uint64_t>("optimizer_steps");
  state.rounds = fields.number<std::uint64_t>("rounds");
  state.recent_returns = fields.numbers<double>(kRecentReturns);
  state.evaluation_missing = fields.has(kEvaluationMissing);
  state.children = fields.text(kChildren);
  if (const auto session = fields.numbers<std::uint64_t>(kSession); session.size() == 4) {
    state.session = {fields.text(kSessionRun), session[0], session[1], session[2], session[3]};
  }
  state.written = {fields.text(kWrittenBoot), fields.number_or<double>(kWrittenSeconds, 0)};
  state.replay = replay_of(path, file, fields);
  const auto values_of = [&file](std::size_t offset, std::size_t count) {
    const auto begin = file.weights.begin() + static_cast<std::ptrdiff_t>(offset);
    return std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(count));
  };
  state.weights = values_of(0, layout.size());
  state.optimizer_state = values_of(layout.size(), optimizer_state_size);
  for (const TensorInfo& tensor : file.layout.tensors()) {
    if (tensor.name != kAverageTensor) continue;
    state.policy_average = fields.text(kAverageKind);
    state.average.count = fields.number<std::uint64_t>(kAverageCount);
    state.average.weights = values_of(tensor.offset, tensor.count);
  }
  return state;
}

bool is_run_state(const Checkpoint& file) {
  return file.metadata.count(kFormat) > 0 || file.metadata.count("optimizer_steps") > 0;
}

NewestRunState read_newest_run_state(const std::filesystem::path& path, const ParameterLayout& layout,
                                     std::size_t optimizer_state_size) {
  std::string problems;
  for (const std::filesystem::path& file : {path, previous_state_of(path)}) {
    try {
      return {read_run_state(file, layout, optimizer_state_size), file, problems};
    } catch (const LayoutError&) {
      throw;  // the one before it would be of the same network
    } catch (const Error& error) {
      problems += (problems.empty() ? "" : "; ") + std::string(error.what());
    }
  }
  throw FormatError(fmt::format("no state that can be read: {}", problems));
}

}  // namespace genkidama::run
