#include "cli/run_state.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <string>

#include "genkidama/core/error.h"
#include "genkidama/core/version.h"
#include "genkidama/params/safetensors.h"

namespace genkidama::cli {
namespace {

constexpr const char* kOptimizerTensor = "genkidama.optimizer_state";
constexpr const char* kAverageTensor = "genkidama.policy_average";
constexpr const char* kAverageKind = "policy_average";
constexpr const char* kAverageCount = "policy_average_count";

/// Weights, the optimizer's state, the policy's average: each of the last two only when its size is not 0.
ParameterLayout state_layout(const ParameterLayout& network, std::size_t optimizer_state_size,
                             std::size_t average_size) {
  std::vector<ParameterLayout::Tensor> tensors;
  for (const TensorInfo& tensor : network.tensors()) tensors.push_back({tensor.name, tensor.shape});
  const auto add = [&tensors](const char* name, std::size_t size) {
    if (size > 0) tensors.push_back({name, {static_cast<std::int64_t>(size)}});
  };
  add(kOptimizerTensor, optimizer_state_size);
  add(kAverageTensor, average_size);
  return ParameterLayout(tensors);
}

bool has_average(const ParameterLayout& layout) {
  const auto& tensors = layout.tensors();
  return !tensors.empty() && tensors.back().name == kAverageTensor;
}

/// Takes the last `count` values off.
std::vector<float> take_end(std::vector<float>& values, std::size_t count) {
  const auto split = values.end() - static_cast<std::ptrdiff_t>(count);
  std::vector<float> end(split, values.end());
  values.erase(split, values.end());
  return end;
}

class Fields {
 public:
  Fields(const std::map<std::string, std::string>& fields, std::string file)
      : fields_(fields), file_(std::move(file)) {}

  template <typename Number>
  Number number(const std::string& key) const {
    const auto field = fields_.find(key);
    Number value{};
    if (field != fields_.end()) {
      const std::string& text = field->second;
      const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
      if (result.ec == std::errc() && result.ptr == text.data() + text.size()) return value;
    }
    throw FormatError(fmt::format("{}: not the state of a run: its metadata has no number '{}'", file_, key));
  }

  std::string text(const std::string& key) const {
    const auto field = fields_.find(key);
    return field == fields_.end() ? "" : field->second;
  }

  bool has(const std::string& key) const { return fields_.count(key) > 0; }

 private:
  const std::map<std::string, std::string>& fields_;
  std::string file_;
};

}  // namespace

void write_run_state(const std::filesystem::path& path, const ParameterLayout& layout,
                     const RunState& state) {
  Checkpoint file;
  const std::vector<float>& average = state.average.weights;
  file.layout = state_layout(layout, state.optimizer_state.size(), average.size());
  file.weights = state.weights;
  file.weights.insert(file.weights.end(), state.optimizer_state.begin(), state.optimizer_state.end());
  file.weights.insert(file.weights.end(), average.begin(), average.end());
  const RunTotals& totals = state.totals;
  file.metadata = {{"genkidama_version", kVersion},
                   {"updates", fmt::format("{}", totals.updates)},
                   {"environment_steps", fmt::format("{}", totals.environment_steps)},
                   {"episodes", fmt::format("{}", totals.episodes)},
                   {"wall_seconds", fmt::format("{}", totals.wall_seconds)},
                   {"optimizer_steps", fmt::format("{}", state.optimizer_steps)},
                   {"rounds", fmt::format("{}", state.rounds)}};
  if (totals.time_to_target_seconds) {
    file.metadata["time_to_target_seconds"] = fmt::format("{}", *totals.time_to_target_seconds);
  }
  if (!average.empty()) {
    file.metadata[kAverageKind] = state.policy_average;
    file.metadata[kAverageCount] = fmt::format("{}", state.average.count);
  }
  write_safetensors(path, file);
}

RunState read_run_state(const std::filesystem::path& path, const ParameterLayout& layout,
                        std::size_t optimizer_state_size) {
  // Once to see whether it holds an average, whatever is averaged now.
  const std::size_t average_size = has_average(read_safetensors(path).layout) ? layout.size() : 0;
  Checkpoint file = read_safetensors(path, state_layout(layout, optimizer_state_size, average_size));
  const Fields fields(file.metadata, path.string());
  RunState state;
  state.totals.updates = fields.number<std::uint64_t>("updates");
  state.totals.environment_steps = fields.number<std::uint64_t>("environment_steps");
  state.totals.episodes = fields.number<std::uint64_t>("episodes");
  state.totals.wall_seconds = fields.number<double>("wall_seconds");
  if (fields.has("time_to_target_seconds")) {
    state.totals.time_to_target_seconds = fields.number<double>("time_to_target_seconds");
  }
  state.optimizer_steps = fields.number<std::uint64_t>("optimizer_steps");
  state.rounds = fields.number<std::uint64_t>("rounds");
  if (average_size > 0) {
    state.policy_average = fields.text(kAverageKind);
    state.average.count = fields.number<std::uint64_t>(kAverageCount);
    state.average.weights = take_end(file.weights, average_size);
  }
  state.optimizer_state = take_end(file.weights, optimizer_state_size);
  state.weights = std::move(file.weights);
  return state;
}

}  // namespace genkidama::cli
