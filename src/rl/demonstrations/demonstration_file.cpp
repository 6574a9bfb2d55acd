#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <system_error>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/demonstrations.h"
#include "rl/demonstrations/demonstration_parts.h"
#include "rl/metadata_fields.h"

namespace genkidama {
namespace {

constexpr const char* kFormat = "format";
constexpr const char* kFormatName = "demonstrations 1";
constexpr const char* kRecorder = "recorder";
constexpr const char* kSeeds = "seeds";
constexpr const char* kChecksum = "checksum";

constexpr const char* kObservations = "observations";
constexpr const char* kActions = "actions";
constexpr const char* kRewards = "rewards";
constexpr const char* kMasks = "masks";
constexpr const char* kLengths = "episode_lengths";
constexpr const char* kTerminated = "episode_terminated";

using Shape = std::vector<std::int64_t>;

std::string checksum_text(std::uint64_t checksum) {
  return fmt::format("{:016x}", checksum);
}

Shape observations_shape(const Demonstrations& given) {
  Shape shape{static_cast<std::int64_t>(given.steps())};
  shape.insert(shape.end(), given.observation_shape.begin(), given.observation_shape.end());
  return shape;
}

/// Takes the tensors of a file apart. Every fault throws FormatError.
class TensorReader {
 public:
  TensorReader(const std::filesystem::path& path, const Checkpoint& file) : path_(path), file_(file) {
    for (const TensorInfo& tensor : file.layout.tensors()) {
      bool known = false;
      for (const char* name : {kObservations, kActions, kRewards, kMasks, kLengths, kTerminated})
        known = known || tensor.name == name;
      if (!known) refuse(fmt::format("it has a tensor '{}', which demonstrations have not", tensor.name));
    }
  }

  bool has(const char* name) const { return find(name) != nullptr; }

  /// The elements of a tensor of one dimension.
  std::span<const float> vector(const char* name) const {
    const TensorInfo& tensor = tensor_of(name);
    if (tensor.shape.size() != 1)
      refuse(fmt::format("tensor '{}' has the shape {}, expected one dimension", name,
                         shape_text(tensor.shape)));
    return elements(tensor);
  }

  std::span<const float> of_shape(const char* name, const Shape& shape) const {
    const TensorInfo& tensor = tensor_of(name);
    if (tensor.shape != shape) {
      refuse(fmt::format("tensor '{}' has the shape {}, expected {}", name, shape_text(tensor.shape),
                         shape_text(shape)));
    }
    return elements(tensor);
  }

  /// Each element of a tensor as a whole number from 0 to `most`.
  template <typename T>
  std::vector<T> whole_numbers(const char* name, std::span<const float> given, double most) const {
    std::vector<T> result;
    result.reserve(given.size());
    for (std::size_t i = 0; i < given.size(); ++i) {
      const double value = given[i];
      if (!(value >= 0 && value <= most) || value != std::floor(value)) {
        refuse(fmt::format("element {} of tensor '{}' is {}, expected a whole number from 0 to {}", i, name,
                           given[i], most));
      }
      result.push_back(static_cast<T>(value));
    }
    return result;
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw FormatError(fmt::format("'{}' holds no demonstrations that can be read: {}", path_.string(), why));
  }

 private:
  const TensorInfo* find(const char* name) const {
    for (const TensorInfo& tensor : file_.layout.tensors()) {
      if (tensor.name == name) return &tensor;
    }
    return nullptr;
  }
  const TensorInfo& tensor_of(const char* name) const {
    if (const TensorInfo* tensor = find(name)) return *tensor;
    refuse(fmt::format("it has no tensor '{}'", name));
  }
  std::span<const float> elements(const TensorInfo& tensor) const {
    return std::span(file_.weights).subspan(tensor.offset, tensor.count);
  }

  const std::filesystem::path& path_;
  const Checkpoint& file_;
};

void check_checksum(const TensorReader& reader, Checkpoint& file) {
  const auto field = file.metadata.find(kChecksum);
  if (field == file.metadata.end()) return;
  const std::string recorded = field->second;
  file.metadata.erase(field);
  if (checksum_text(checksum_of(file)) != recorded) reader.refuse("its checksum is not that of its content");
}

Demonstrations demonstrations_of(const std::filesystem::path& path, Checkpoint file) {
  const TensorReader reader(path, file);
  const MetadataFields fields(path, file.metadata, "holds no demonstrations that can be read");
  if (fields.text(kFormat) != kFormatName) {
    reader.refuse(fmt::format("its metadata's '{}' is '{}', expected '{}'", kFormat, fields.text(kFormat),
                              kFormatName));
  }
  check_checksum(reader, file);
  Demonstrations result;
  result.environment = fields.text(metadata_key::kEnvironment);
  result.observation_shape = fields.dimensions(metadata_key::kObservation);
  result.action_space = fields.action_space();
  result.recorder = fields.text(kRecorder);
  result.seeds = fields.list<std::uint64_t>(kSeeds);
  const auto copy = [](std::span<const float> from, std::vector<float>& to) {
    to.assign(from.begin(), from.end());
  };
  copy(reader.vector(kRewards), result.rewards);
  const auto n = static_cast<std::int64_t>(result.steps());
  copy(reader.of_shape(kObservations, observations_shape(result)), result.observations);
  copy(reader.of_shape(kActions, {n, static_cast<std::int64_t>(result.action_space.width())}),
       result.actions);
  if (reader.has(kMasks)) {
    const Shape shape{n, static_cast<std::int64_t>(result.action_space.alternatives())};
    result.masks = reader.whole_numbers<std::uint8_t>(kMasks, reader.of_shape(kMasks, shape), 1);
  }
  const auto lengths = reader.vector(kLengths);
  result.lengths =
      reader.whole_numbers<std::size_t>(kLengths, lengths, static_cast<double>(kMostDemonstratedSteps));
  const Shape episodes{static_cast<std::int64_t>(lengths.size())};
  result.terminated =
      reader.whole_numbers<std::uint8_t>(kTerminated, reader.of_shape(kTerminated, episodes), 1);
  return result;
}

}  // namespace

Checkpoint checkpoint_of(const Demonstrations& given) {
  const auto n = static_cast<std::int64_t>(given.steps());
  const auto episodes = static_cast<std::int64_t>(given.episodes());
  std::vector<ParameterLayout::Tensor> tensors = {
      {kObservations, observations_shape(given)},
      {kActions, {n, static_cast<std::int64_t>(given.action_space.width())}},
      {kRewards, {n}}};
  Checkpoint file;
  const auto append = [&file](const auto& values) {
    for (const auto value : values) file.weights.push_back(static_cast<float>(value));
  };
  append(given.observations);
  append(given.actions);
  append(given.rewards);
  if (!given.masks.empty()) {
    tensors.push_back({kMasks, {n, static_cast<std::int64_t>(given.action_space.alternatives())}});
    append(given.masks);
  }
  tensors.push_back({kLengths, {episodes}});
  append(given.lengths);
  tensors.push_back({kTerminated, {episodes}});
  append(given.terminated);
  file.layout = ParameterLayout(tensors);
  file.metadata = {{kFormat, kFormatName},
                   {metadata_key::kEnvironment, to_utf8(given.environment)},
                   {metadata_key::kObservation, list_text(given.observation_shape)},
                   {metadata_key::kChoices, list_text(given.action_space.choices)},
                   {metadata_key::kLow, list_text(given.action_space.low)},
                   {metadata_key::kHigh, list_text(given.action_space.high)}};
  if (!given.recorder.empty()) file.metadata[kRecorder] = to_utf8(given.recorder);
  if (!given.seeds.empty()) file.metadata[kSeeds] = list_text(given.seeds);
  return file;
}

std::string action_space_words(const ActionSpace& space) {
  std::vector<std::string> parts;
  if (!space.choices.empty())
    parts.push_back(fmt::format("choices among [{}]", fmt::join(space.choices, ", ")));
  for (std::size_t i = 0; i < space.low.size(); ++i)
    parts.push_back(fmt::format("a number in [{}, {}]", space.low[i], space.high[i]));
  return fmt::format("{}", fmt::join(parts, " and "));
}

void write_demonstrations(const std::filesystem::path& path, const Demonstrations& given) {
  check_demonstrations(fmt::format("demonstrations for '{}'", path.string()), given);
  Checkpoint file = checkpoint_of(given);
  const std::uint64_t bytes = file.weights.size() * sizeof(float);
  if (bytes > kMostDemonstrationBytes) {
    throw ArgumentError(fmt::format("demonstrations for '{}' have {} bytes, expected at most {}",
                                    path.string(), bytes, kMostDemonstrationBytes));
  }
  file.metadata[kChecksum] = checksum_text(checksum_of(file));
  write_safetensors(path, file);
}

Demonstrations read_demonstrations(const std::filesystem::path& path) {
  std::error_code ignored;
  const auto size =
      std::filesystem::is_regular_file(path, ignored) ? std::filesystem::file_size(path, ignored) : 0;
  // Room for a header as long as any.
  constexpr std::uint64_t kHeader = std::uint64_t{1} << 25;
  if (size != static_cast<std::uintmax_t>(-1) && size > kMostDemonstrationBytes + kHeader) {
    throw IoError(fmt::format("cannot read '{}': it has {} bytes, and demonstrations have at most {}",
                              path.string(), size, kMostDemonstrationBytes));
  }
  Demonstrations result = demonstrations_of(path, read_safetensors(path));
  try {
    check_demonstrations(fmt::format("'{}' holds no demonstrations that can be read", path.string()), result);
  } catch (const ArgumentError& error) {
    throw FormatError(error.what());
  }
  return result;
}

}  // namespace genkidama
