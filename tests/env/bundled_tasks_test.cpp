#include "genkidama/env/bundled_tasks.h"

#include <algorithm>
#include <set>

#include "genkidama/core/error.h"
#include "genkidama/env/check_environment.h"
#include "support/catch.h"
#include "support/run_program.h"

namespace genkidama {
namespace {

TEST_CASE("every bundled task has names of its own and an environment that keeps the contract") {
  std::set<std::string> names;
  std::string last;
  for (const BundledTask& task : bundled_tasks()) {
    CAPTURE(task.name);
    CHECK(last < task.name);
    last = task.name;
    CHECK(names.insert(task.name).second);
    CHECK(task.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos);
    for (const std::string& alias : task.aliases) CHECK(names.insert(alias).second);
    CHECK_FALSE(task.summary.empty());
    EnvironmentCheckOptions options;
    options.episodes = 3;
    options.max_episode_steps = 300;
    const EnvironmentReport report = check_environment(task.make, options);
    CAPTURE(to_text(report));
    CHECK(report.ok());
    CHECK(&bundled_task(task.name) == &task);
    for (const std::string& alias : task.aliases) CHECK(&bundled_task(alias) == &task);
  }
}

TEST_CASE("a bundled task is found by its name and by Gymnasium's") {
  for (const char* name : {"pendulum", "Pendulum-v1", "PENDULUM", "pendulum-V1"}) {
    CHECK(bundled_task(name).make()->spec().name == "Pendulum-v1");
  }
  CHECK(bundled_task("mountain_car_continuous").make()->spec().name == "MountainCarContinuous-v0");
  CHECK(bundled_task("mountain-car").make()->spec().name == "MountainCar-v0");
  CHECK(bundled_task("Acrobot-v1").make()->spec().name == "Acrobot-v1");
  CHECK(bundled_task("cart-pole").make()->spec().name == "CartPole-v1");
  CHECK(bundled_task("lunar-lander").make()->spec().name == "LunarLander-v2");
  CHECK(bundled_task("LunarLanderContinuous-v2").make()->spec().name == "LunarLanderContinuous-v3");
  CHECK(bundled_task("bipedal-walker").make()->spec().name == "BipedalWalker-v3");
  CHECK(bundled_task("BipedalWalkerHardcore-v3").make()->spec().time_limit == 2000);
}

TEST_CASE("docs/tasks.md has a row for every bundled task") {
  const std::string page = test::file_text(GENKIDAMA_TEST_DATA "/../../docs/tasks.md");
  for (const BundledTask& task : bundled_tasks()) {
    CAPTURE(task.name);
    CHECK(page.find("| `" + task.name + "` |") != std::string::npos);
  }
}

TEST_CASE("an unknown task is answered with the names that there are, and the nearest") {
  CHECK_THROWS_AS(bundled_task("chess"), ArgumentError);
  CHECK_THROWS_WITH(
      bundled_task("chess"),
      Catch::StartsWith("no bundled task is called 'chess'; expected one of acrobot, bipedal-walker") &&
          Catch::Contains("mountain-car, mountain-car-continuous, pendulum"));
  CHECK_THROWS_WITH(bundled_task("pendulim"), Catch::Contains("'pendulim' (did you mean 'pendulum'?)"));
  CHECK_THROWS_WITH(bundled_task("Acrobat-v1"), Catch::Contains("(did you mean 'acrobot-v1'?)"));
  CHECK_THROWS_WITH(bundled_task(""), Catch::StartsWith("no bundled task is called ''; expected one of"));
}

}  // namespace
}  // namespace genkidama
