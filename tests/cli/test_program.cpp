// The program that the command line's tests run: CartPole, or LunarLander, and presets for what they need.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "genkidama/cli/program.h"
#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"
#include "genkidama/env/canvas.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/lunar_lander.h"
#include "genkidama/params/weighted_average.h"
#include "support/target_environment.h"

namespace {

void keep_own(std::span<float>, std::span<const float>, const genkidama::MergeContext&) {}

void fail_at_sixth(std::span<float> parent, std::span<const float> child,
                   const genkidama::MergeContext& context) {
  genkidama::weighted_average(parent, child, context.alpha);
  if (context.update == 6) throw std::runtime_error("six is unlucky");
}

/// Pays 1 a step and never ends in anybody's lifetime. As with a device, a step takes its time. Says on
/// standard error when it has played a few.
class SlowEnvironment : public genkidama::DiscreteEnvironment {
 public:
  /// `last_step` never comes back; 0: all do.
  explicit SlowEnvironment(int last_step) : last_step_(last_step) {
    spec_.name = "Slow";
    spec_.observation_size = 1;
    spec_.action_count = 2;
    spec_.time_limit = 2'000'000'000;
  }
  const genkidama::EnvironmentSpec& spec() const override { return spec_; }
  genkidama::Observation reset(std::uint64_t) override { return observation_; }
  genkidama::StepResult step(int) override {
    if (++steps_ == last_step_) {
      while (true) ::pause();
    }
    if (steps_ == 3) std::fputs("played three steps\n", stderr);
    std::this_thread::sleep_for(genkidama::Milliseconds(10));
    return {observation_, 1.0f, false, false};
  }

 private:
  genkidama::EnvironmentSpec spec_;
  std::vector<float> observation_{1.0f};
  int last_step_;
  int steps_ = 0;
};

/// CartPole, changed as the environment variables say.
class Altered : public genkidama::Environment {
 public:
  explicit Altered(const genkidama::EnvironmentContext& context) : spec_(inner_->spec()) {
    if (const char* name = std::getenv("GENKIDAMA_TEST_NAME")) spec_.name = name;
    if (std::getenv("GENKIDAMA_TEST_METRICS") != nullptr) spec_.metrics = {"alive"};
    if (const char* file = std::getenv("GENKIDAMA_TEST_CONTEXT")) {
      constexpr const char* kPurposes[] = {"describe", "train", "evaluate"};
      std::ofstream(file, std::ios::app) << kPurposes[static_cast<int>(context.purpose)] << '\n';
    }
  }
  const genkidama::EnvironmentSpec& spec() const override { return spec_; }
  genkidama::Observation reset(std::uint64_t seed) override {
    alive_ = 0;
    return inner_->reset(seed);
  }
  genkidama::StepResult step(genkidama::Action action) override {
    if (const char* text = std::getenv("GENKIDAMA_TEST_THROW")) throw std::runtime_error(text);
    if (const char* how = std::getenv("GENKIDAMA_TEST_END"); how != nullptr && ++steps_ == 3)
      end_process(how);
    genkidama::StepResult result = inner_->step(action);
    if (std::getenv("GENKIDAMA_TEST_BAD_REWARD") != nullptr) {
      result.reward = std::numeric_limits<float>::quiet_NaN();
    }
    ++alive_;
    if (!spec_.metrics.empty()) result.metrics = {&alive_, 1};
    return result;
  }

  void draw(genkidama::Canvas& canvas) const override {
    const char* const how = std::getenv("GENKIDAMA_TEST_DRAW");
    if (how != nullptr && std::string_view(how) == "nothing") return;
    inner_->draw(canvas);
    if (how != nullptr) canvas.circle({}, std::numeric_limits<float>::quiet_NaN(), {});
  }

 private:
  static void end_process(const std::string& how) {
    if (how == "exit") std::exit(0);
    if (how == "_exit") ::_exit(7);
    std::abort();
  }

  std::unique_ptr<genkidama::Environment> inner_ = genkidama::make_cart_pole();
  genkidama::EnvironmentSpec spec_;
  int steps_ = 0;
  float alive_ = 0;  // steps of the episode
};

/// Options of the program's own, of each kind. The factory keeps what it is told in this file, a line for
/// each environment.
void add_options(genkidama::cli::Program& program, const std::string& file) {
  using namespace genkidama::cli;
  program.options = {{"gravity", "Pull towards the ground", NumberOption{.value = -10, .min = -12, .max = 0}},
                     {"gusts", "Gusts in an episode", WholeNumberOption{.value = 3, .min = 0, .max = 9}},
                     {"label", "What it is called", TextOption{}},
                     {"surface", "What the ground is made of", ChoiceOption{.choices = {"rock", "sand"}}},
                     {"wind", "The wind blows", SwitchOption{}}};
  program.environment = [make = program.environment, file](const genkidama::EnvironmentContext& context) {
    const genkidama::OptionValues& options = context.options;
    std::ofstream(file, std::ios::app)
        << options.number("gravity") << ' ' << options.whole("gusts") << ' ' << options.text("label") << ' '
        << options.text("surface") << ' ' << options.is_on("wind") << '\n';
    return make(context);
  };
  if (const char* name = std::getenv("GENKIDAMA_TEST_BAD_OPTION")) {
    program.options.push_back({name, "Cannot be", NumberOption{.value = 1, .max = 0}});
  }
}

void fail_as_told() {
  const char* told = std::getenv("GENKIDAMA_TEST_SETUP");
  if (told == nullptr) return;
  if (told == std::string_view("argument")) {
    throw genkidama::ArgumentError("no hidden layer can have -1 units");
  }
  if (told == std::string_view("runtime")) throw std::runtime_error("the simulator is not installed");
  throw 42;
}

genkidama::cli::Program make_program() {
  fail_as_told();
  genkidama::cli::Preset other;
  other.description = "another network";
  other.network = genkidama::mlp_network({.hidden = {16}});
  other.hyperparameters.optimizer = "adam";
  other.hyperparameters.gamma = 0.9;

  genkidama::cli::Preset broken;
  broken.description = "cannot be made";
  broken.network = [](const genkidama::NetworkSpec&, std::uint64_t) -> std::unique_ptr<genkidama::Network> {
    throw std::runtime_error("this network is broken");
  };

  genkidama::cli::Preset endless;
  endless.description = "takes for ever to be made";
  endless.network = [](const genkidama::NetworkSpec&, std::uint64_t) -> std::unique_ptr<genkidama::Network> {
    while (true) ::pause();
  };

  genkidama::cli::Program program;
  program.name = "test_program";
#ifdef GENKIDAMA_TEST_LANDER
  program.environment = [] { return genkidama::make_lunar_lander(); };
#else
  program.environment = [](const genkidama::EnvironmentContext& context) {
    return std::make_unique<Altered>(context);
  };
  if (std::getenv("GENKIDAMA_TEST_SPEC") != nullptr) {
    program.environment_spec = genkidama::make_cart_pole()->spec();
  }
#endif
  if (std::getenv("GENKIDAMA_TEST_HYBRID") != nullptr) {
    program.environment = genkidama::test::target_factory({.choices = {3}, .low = {-1}, .high = {1}}, true);
  }
  if (const char* slow = std::getenv("GENKIDAMA_TEST_SLOW")) {
    program.environment = [last_step = std::atoi(slow)] {
      return std::make_unique<SlowEnvironment>(last_step);
    };
  }
  if (const char* made = std::getenv("GENKIDAMA_TEST_MADE")) {
    program.environment = [make = program.environment,
                           file = std::string(made)](const genkidama::EnvironmentContext& context) {
      const char* purposes[] = {"describe\n", "train\n", "evaluate\n"};
      if (std::FILE* list = std::fopen(file.c_str(), "a")) {
        std::fputs(purposes[static_cast<int>(context.purpose)], list);
        std::fclose(list);
      }
      return make(context);
    };
  }
  if (std::getenv("GENKIDAMA_TEST_SPEC") != nullptr) {
    program.environment_spec = genkidama::make_cart_pole()->spec();
  }
  if (const char* file = std::getenv("GENKIDAMA_TEST_OPTIONS")) add_options(program, file);
  program.default_preset = "thesis";
  program.presets["other"] = other;
  program.presets["broken"] = broken;
  program.presets["endless"] = endless;
  const char* rule = std::getenv("GENKIDAMA_TEST_RULE");
  if (rule != nullptr) program.merge_rule = rule == std::string_view("keep") ? keep_own : fail_at_sixth;
  return program;
}

}  // namespace

int main(int argc, char** argv) {
  // A program's own threads, or LibTorch's: whoever it has started hears of its death from each of them.
  if (argc > 1 && std::string_view(argv[1]) == "sweep") {
    for (int i = 0; i < 8; ++i) {
      std::thread([] {
        while (true) ::pause();
      }).detach();
    }
  }
  return genkidama::cli::main(argc, argv, make_program);
}
