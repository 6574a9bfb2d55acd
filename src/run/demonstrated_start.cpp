#include "run/demonstrated_start.h"

#include <fmt/format.h>

#include <string>

#include "core/processor_time.h"
#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"
#include "run/directory/json_file.h"

namespace genkidama::run {
namespace {

constexpr const char* kPasses = "passes";

nlohmann::ordered_json to_json(const CloningFit& fit) {
  nlohmann::ordered_json json;
  json["loss"] = fit.loss;
  for (const auto& [name, value] : {std::pair("value_error", fit.value_error),
                                    {"agreement", fit.agreement},
                                    {"distance", fit.distance}}) {
    json[name] = nullptr;
    if (value) json[name] = *value;
  }
  return json;
}

nlohmann::ordered_json to_json(const CloningOptions& options) {
  return {{"epochs", options.epochs},
          {"patience", options.patience},
          {"held_out", options.held_out},
          {"minibatch_size", options.minibatch_size},
          {"learning_rate", options.learning_rate},
          {"value_weight", options.value_weight},
          {"least_deviation", options.least_deviation},
          {"margin", options.margin},
          {"seed", options.seed}};
}

nlohmann::ordered_json to_json(const CloningReport& report) {
  return {{"episodes", report.episodes},
          {"steps", report.steps},
          {"mean_return", report.mean_return},
          {"held_out_episodes", report.held_out_episodes},
          {"epochs", report.epochs},
          {"best_epoch", report.best_epoch},
          {"optimizer_steps", report.optimizer_steps},
          {"before", to_json(report.first)},
          {"after", to_json(report.held_out)}};
}

}  // namespace

std::optional<Demonstrations> read_demonstrated_start(const RunOptions& options,
                                                      const CoreOrchestrator& trainer) {
  if (options.demonstrations.empty()) return {};
  const std::string option =
      fmt::format("{} {}", options.name_of("demonstrations"), options.demonstrations.string());
  if (trainer.has_shards()) {
    throw ArgumentError(option +
                        ": the weights of this run live at shards; expected weights that live on this "
                        "machine, without " +
                        options.name_of("shards"));
  }
  const Hyperparameters& hyper = trainer.hyperparameters();
  if (!options.init_from.empty() && (hyper.normalise_observations || hyper.normalise_rewards)) {
    throw ArgumentError(fmt::format(
        "{}: the policy of {} is normalised with statistics of its own, and would be with those of the "
        "demonstrations; expected one of the two",
        option, options.name_of("init_from")));
  }
  try {
    Demonstrations demonstrations = read_demonstrations(options.demonstrations);
    check_demonstrated_task("it", demonstrations, trainer.environment_spec());
    return demonstrations;
  } catch (const Error& error) {
    throw ArgumentError(fmt::format("{}: {}", option, error.what()));
  }
}

RunningStatistics clone_demonstrations(const RunOptions& options, const RunDirectory& directory,
                                       const Demonstrations& demonstrations, CoreOrchestrator& trainer,
                                       RunObserver& observer) {
  const auto started = Clock::now();
  const double processor_before = processor_seconds();
  nlohmann::ordered_json passes = nlohmann::ordered_json::array();
  const auto report = trainer.clone(demonstrations, options.cloning, [&](const CloningEpoch& epoch) {
    passes.push_back({{"learnt", to_json(epoch.learnt)}, {"held_out", to_json(epoch.held_out)}});
    observer.on_cloning({options.demonstrations, options.cloning.epochs, &epoch, nullptr});
    return !options.end_reason || options.end_reason().empty();
  });
  if (!report) throw StoppedError("stopped while the policy was fitted to demonstrations");
  nlohmann::ordered_json json;
  json["file"] = escape_bytes(options.demonstrations.string());
  json["hash"] = fmt::format("{:016x}", demonstrations.hash());
  json["recorder"] = escape_bytes(demonstrations.recorder);
  json.update(to_json(*report));
  json["wall_seconds"] = seconds_since(started);
  json["processor_seconds"] = processor_seconds() - processor_before;
  json["options"] = to_json(options.cloning);
  json[kPasses] = std::move(passes);
  write_json_file(directory.cloning(), json);
  observer.on_cloning({options.demonstrations, options.cloning.epochs, nullptr, &*report});
  return report->statistics;
}

nlohmann::ordered_json cloning_summary(const RunDirectory& directory) {
  auto json = read_json_object(directory.cloning());
  if (!json) return nullptr;
  json->erase(kPasses);
  return *json;
}

}  // namespace genkidama::run
