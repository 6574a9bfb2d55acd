#include "run/metrics/tensorboard_log.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "core/unix_seconds.h"
#include "run/metrics/csv_table.h"

namespace genkidama::run {
namespace {

struct KnownTag {
  std::string_view column, tag;
  double factor = 1;
  std::string_view algorithms = "";  ///< that it is of; empty: of all that have no other row
};

constexpr KnownTag kKnownTags[] = {
    // A name, which may look like a number.
    {"child", ""},
    {"length_mean", "rollout/ep_len_mean"},
    {"policy_loss", "train/policy_gradient_loss", 1, "ppo"},
    {"policy_loss", "train/actor_loss", 1, "sac td3"},
    {"policy_loss", "train/policy_loss"},
    {"value_loss", "train/critic_loss", 1, "sac td3"},
    {"value_loss", "train/loss", 1, "dqn qr_dqn dyna_q"},
    {"value_loss", "train/value_loss"},
    {"entropy", "train/entropy_loss", -1},
    {"approximate_kl", "train/approx_kl"},
    {"clip_fraction", "train/clip_fraction"},
    {"explained_variance", "train/explained_variance"},
    {"learning_rate", "train/learning_rate"},
    {"deviation", "train/std"},
};

bool is_word_of(std::string_view word, std::string_view words) {
  return (' ' + std::string(words) + ' ').find(' ' + std::string(word) + ' ') != std::string::npos;
}

/// Neither changes what a run comes to.
bool is_shown(const std::string& option) {
  return option != "command_line" && option != "run_dir";
}

}  // namespace

ColumnTag tag_of_column(const std::string& column, const std::string& algorithm) {
  for (const KnownTag& known : kKnownTags) {
    if (known.column == column && (known.algorithms.empty() || is_word_of(algorithm, known.algorithms)))
      return {std::string(known.tag), known.factor};
  }
  return {"genkidama/" + column};
}

TensorBoardLog::TensorBoardLog(const std::filesystem::path& directory, std::string algorithm,
                               const std::string& config, std::optional<std::uint64_t> keep_until)
    : algorithm_(std::move(algorithm)), file_(directory, keep_until) {
  const auto options = nlohmann::ordered_json::parse(config, nullptr, /*allow_exceptions=*/false);
  if (!options.is_object()) return;
  auto shown = nlohmann::ordered_json::object();
  for (const auto& [name, value] : options.items()) {
    if (is_shown(name)) shown[name] = value;
  }
  file_.append(hyperparameters_event(unix_seconds(), keep_until.value_or(0), shown));
}

void TensorBoardLog::set_columns(const std::vector<std::string>& columns) {
  tags_.clear();
  for (const std::string& column : columns) tags_.push_back(tag_of_column(column, algorithm_));
}

void TensorBoardLog::row(std::uint64_t step, const std::vector<std::string>& fields,
                         std::vector<Scalar> more) {
  for (std::size_t i = 0; i < tags_.size() && i < fields.size(); ++i) {
    const auto number = tags_[i].tag.empty() ? std::nullopt : number_in(fields[i]);
    if (number) more.push_back({tags_[i].tag, tags_[i].factor * *number});
  }
  scalars(step, more);
}

void TensorBoardLog::scalars(std::uint64_t step, const std::vector<Scalar>& scalars) {
  file_.append(scalars_event(unix_seconds(), step, scalars));
}

void TensorBoardLog::ended(std::uint64_t step) {
  file_.append(success_event(unix_seconds(), step));
}

}  // namespace genkidama::run
