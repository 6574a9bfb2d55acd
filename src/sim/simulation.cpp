#include "genkidama/sim/simulation.h"

#include <utility>

#include "genkidama/core/error.h"
#include "sim/engine.h"

namespace genkidama::sim {

const char* cut_name(Cut cut) {
  switch (cut) {
    case Cut::kAlone:
      return "alone";
    case Cut::kWeights:
      return "weights";
    case Cut::kSegments:
      return "segments";
    case Cut::kTree:
      return "tree";
    case Cut::kEnvironments:
      return "environments";
    case Cut::kGradients:
      return "gradients";
  }
  return "";
}

std::optional<Cut> cut_of(std::string_view name) {
  for (const Cut cut :
       {Cut::kAlone, Cut::kWeights, Cut::kSegments, Cut::kTree, Cut::kEnvironments, Cut::kGradients}) {
    if (name == cut_name(cut)) return cut;
  }
  return std::nullopt;
}

class Simulation::Impl {
 public:
  Impl(SimulationOptions options, const std::vector<LocalTrainer*>& trainers) : options_(std::move(options)) {
    check_simulation(options_, trainers);
    engine_ = make_engine(trainers);
  }

  SimulationSummary run(const Observer& observer) {
    if (std::exchange(has_run_, true))
      throw ArgumentError("Simulation::run() was already called; make a new Simulation");
    if (!observer) throw ArgumentError("the observer is empty; expected a function that says when to end");
    return engine_->run(observer);
  }

 private:
  std::unique_ptr<Engine> make_engine(const std::vector<LocalTrainer*>& trainers) const {
    if (has_parent(options_)) return make_cluster_engine(options_, trainers);
    if (is_asynchronous(options_)) return make_actors_engine(options_, trainers);
    if (options_.cut == Cut::kEnvironments) return make_server_engine(options_, *trainers.front());
    if (options_.cut == Cut::kGradients) return make_shards_engine(options_, *trainers.front());
    return make_learner_engine(options_, *trainers.front());
  }

  const SimulationOptions options_;
  std::unique_ptr<Engine> engine_;
  bool has_run_ = false;
};

Simulation::Simulation(SimulationOptions options, std::vector<LocalTrainer*> trainers)
    : impl_(std::make_unique<Impl>(std::move(options), trainers)) {}

Simulation::~Simulation() = default;

SimulationSummary Simulation::run(const Observer& observer) {
  return impl_->run(observer);
}

}  // namespace genkidama::sim
