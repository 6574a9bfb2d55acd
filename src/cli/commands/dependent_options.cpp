#include "cli/commands/dependent_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string>

#include "cli/options/command_line.h"
#include "cli/options/is_one_of.h"
#include "cli/options/settings_check.h"
#include "genkidama/nn/shared_optimizer.h"
#include "genkidama/rl/algorithms.h"

namespace genkidama::cli {

std::vector<DependentOption> idle_dependent_options(const Settings& settings) {
  const Hyperparameters& hyper = settings.learning.hyperparameters;
  std::vector<DependentOption> idle;
  const auto check = [&](bool is_idle, const char* option, std::string why) {
    if (is_idle && names_option(settings.command_line, option)) idle.push_back({option, std::move(why)});
  };
  // An optimizer of the program's own may take any of them.
  const std::string of_optimizer = fmt::format("--optimizer is '{}'", hyper.optimizer);
  const bool is_bundled_optimizer = is_one_of(hyper.optimizer, optimizer_names());
  const bool has_moments = is_one_of(hyper.optimizer, {"adam", "adamw"});
  if (is_bundled_optimizer) {
    check(has_moments, "momentum", of_optimizer + "; expected 'sgd' or 'rmsprop'");
    check(hyper.optimizer != "rmsprop", "rms-decay", of_optimizer + "; expected 'rmsprop'");
    check(!has_moments, "adam-beta1", of_optimizer + "; expected 'adam' or 'adamw'");
    check(!has_moments, "adam-beta2", of_optimizer + "; expected 'adam' or 'adamw'");
  }
  const bool is_each = settings.links.exchange == ExchangeKind::kEach;
  for (const char* const option : {"alpha", "beta"})
    check(!is_each, option,
          fmt::format("it is for --exchange each, and the exchange is '{}'",
                      exchange_name(settings.links.exchange)));
  const bool has_server = hyper.sharing == Sharing::kServer;
  const std::string no_server =
      fmt::format("--sharing is '{}'; expected 'server'", sharing_name(hyper.sharing));
  const bool has_shards = !settings.links.shards.empty();
  check(has_shards, "max-gradient-age", "the shards decide; expected it at each of them");
  check(!has_shards && !has_server, "max-gradient-age", no_server);
  check(has_shards, "init-from", "the shards have the weights; expected it at each of them");
  for (const char* const option : {"clone-epochs", "clone-patience", "clone-held-out", "clone-learning-rate",
                                   "clone-minibatch-size", "clone-value-weight"})
    check(settings.run.demonstrations.empty(), option, "it is for --demonstrations");
  check(settings.run.cloning.held_out == 0, "clone-patience",
        "--clone-held-out is 0, and no episodes tell when the fit gets worse");
  for (const char* const option : {"away-timeout", "join-timeout", "exchange-timeout"})
    check(!has_shards && settings.command == kTrain, option, "it is for --shards");
  check(hyper.schedule == Schedule::kConstant, "final-learning-rate",
        "--schedule is 'constant'; expected 'linear' or 'cosine'");
  const bool workers_learn = learning_of(settings) == Learning::kWorkers;
  const InferenceOptions& inference = settings.learning.inference;
  for (const char* const option : {"inference-batch", "inference-wait-us"})
    check(inference.predictors == 0, option, "--predictors is 0, and each worker computes its own outputs");
  check(inference.batch == 0, "inference-wait-us",
        "--inference-batch is 0, and a predictor takes all that is waiting");
  const int requests = settings.learning.workers * (inference.double_buffering ? 2 : 1);
  if (inference.predictors > std::max(1, requests)) {
    idle.push_back(
        {"predictors", fmt::format("beyond {}: {} worker{} ask for no more at once", requests,
                                   settings.learning.workers, settings.learning.workers == 1 ? "" : "s")});
  }
  check(!workers_learn, "sharing",
        fmt::format("--learning is '{}', and one process learns", learning_name(learning_of(settings))));
  check(!workers_learn, "servers",
        fmt::format("--learning is '{}'; expected '{}'", learning_name(learning_of(settings)),
                    learning_name(Learning::kWorkers)));
  check(workers_learn && !has_server, "servers", no_server);
  check(hyper.sharing != Sharing::kLocal, "merge-every",
        fmt::format("--sharing is '{}'; expected 'local'", sharing_name(hyper.sharing)));
  check(!hyper.noisy_layers && is_one_of(hyper.algorithm, value_algorithms()), "noisy-deviation",
        "no layer is noisy; expected --noisy-layers together with it");
  check(hyper.noisy_layers && !settings.resume.empty(), "noisy-deviation",
        "it is what noise begins with, and a resumed run has its own");
  if (!learns_from_replay(hyper)) {
    const bool is_bundled = is_one_of(hyper.algorithm, algorithm_names());
    check(is_bundled && settings.learning.replay_capacity > 0, "replay-capacity",
          fmt::format("--loss is '{}', which learns nothing from what is kept", hyper.algorithm));
    return idle;
  }

  check(hyper.priority_exponent == 0, "importance-exponent",
        "--priority-exponent is 0, and all steps are drawn alike");
  check(hyper.target_period > 0, "target-rate",
        fmt::format("--target-period is {}, and the target is replaced by it", hyper.target_period));
  check(hyper.epsilon_steps == 0, "first-epsilon",
        "--epsilon-steps is 0, and epsilon is --epsilon from the beginning");
  const bool plays_alone = (settings.command & kAlone) != 0 && settings.learning.workers == 1;
  check(plays_alone && hyper.epsilon_ladder > 0, "epsilon-ladder", "there is one worker to play");
  const bool has_no_epsilon = hyper.epsilon == 0 && hyper.epsilon_steps == 0;
  check(!plays_alone && hyper.epsilon_ladder > 0 && has_no_epsilon, "epsilon-ladder",
        "--epsilon is 0, and a worker's own epsilon is a power of it");
  check(plays_alone, "replay", "there is one worker, whose steps are all that there are");
  check(!workers_learn, "replay", "one process learns, from the steps of all");
  check(settings.network && settings.network->memory == 0, "burn-in",
        "the network has no memory, which --memory gru:N gives it");
  check(hyper.algorithm == "sac" && !hyper.learn_temperature, "target-entropy",
        "--learn-temperature is false, and the temperature stays as it is");
  if (hyper.algorithm != "dyna_q") return idle;
  check(hyper.planning_ratio == 0 && hyper.planners > 0, "planners",
        "--planning-ratio is 0, and nothing is imagined");
  check(hyper.model_ratio == 0 && hyper.planning_ratio > 0, "planning-ratio",
        "--model-ratio is 0, and a model that is not learnt is not used");
  return idle;
}

}  // namespace genkidama::cli
