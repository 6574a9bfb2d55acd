// What a program that is compiled with -Ofast must still find out.
#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/weighted_average.h"

#if !defined(__FINITE_MATH_ONLY__) || __FINITE_MATH_ONLY__ == 0
#error "this program must be compiled with -Ofast"
#endif

namespace {

int failures = 0;

void check(bool holds, const char* what) {
  if (holds) return;
  fmt::print("failed: {}\n", what);
  ++failures;
}

float not_a_number() {
  volatile std::uint32_t bits = 0x7fc00000;
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
}

/// Pays NaN.
class Unpayable : public genkidama::DiscreteEnvironment {
 public:
  Unpayable() {
    spec_.name = "Unpayable";
    spec_.observation_size = 1;
    spec_.action_count = 2;
    spec_.time_limit = 10;
  }
  const genkidama::EnvironmentSpec& spec() const override { return spec_; }
  genkidama::Observation reset(std::uint64_t) override { return observation_; }
  genkidama::StepResult step(int) override { return {observation_, not_a_number(), false, false}; }

 private:
  genkidama::EnvironmentSpec spec_;
  std::vector<float> observation_{1.0F};
};

template <typename Function>
bool refused(Function function) {
  try {
    function();
  } catch (const genkidama::Error&) {
    return true;
  }
  return false;
}

}  // namespace

int main() {
  check(!genkidama::is_finite(not_a_number()), "is_finite() knows NaN");

  genkidama::OrchestratorOptions options;
  options.workers = 1;
  check(refused([&] {
          genkidama::CoreOrchestrator trainer([] { return std::make_unique<Unpayable>(); },
                                              genkidama::thesis_network(), options);
          trainer.train_round();
        }),
        "a reward that is NaN ends the training");

  genkidama::CoreOrchestrator trainer(genkidama::make_cart_pole, genkidama::thesis_network(), options);
  std::vector<float> weights(trainer.layout().size());
  trainer.read_weights(weights);
  weights[7] = not_a_number();
  check(refused([&] { trainer.write_weights(weights); }), "weights that are NaN are refused");
  check(genkidama::first_non_finite(weights) == 7, "the weight is found");

  if (failures == 0) fmt::print("NaN is found\n");
  return failures;
}
