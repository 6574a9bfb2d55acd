#include <functional>
#include <memory>

#include "genkidama/env/cart_pole.h"
#include "genkidama/env/environment.h"
#include "support/catch.h"
#include "support/chain_environment.h"

using namespace genkidama;
using genkidama::test::ChainEnvironment;

namespace {

std::unique_ptr<Environment> from_function(const EnvironmentContext& context) {
  return std::make_unique<ChainEnvironment>(genkidama::test::Mischief{{}, {}, context.index + 1});
}

}  // namespace

TEST_CASE("a factory takes callables without parameters") {
  CHECK(EnvironmentFactory(make_cart_pole)()->spec().observation_size == 4);
  CHECK(EnvironmentFactory([] { return std::make_unique<ChainEnvironment>(); })()->spec().name == "Chain");
  int made = 0;
  const EnvironmentFactory counting = [&made]() -> std::unique_ptr<Environment> {
    ++made;
    return nullptr;
  };
  counting();
  counting({3, 2, EnvironmentPurpose::kEvaluate});
  CHECK(made == 2);
  const EnvironmentFactory copy = counting;
  copy();
  CHECK(made == 3);
}

TEST_CASE("a factory tells a callable with a parameter which environment is made, and for what") {
  EnvironmentContext seen;
  const EnvironmentFactory factory = [&seen](const EnvironmentContext& context) {
    seen = context;
    return std::make_unique<ChainEnvironment>();
  };
  factory({3, 2, EnvironmentPurpose::kEvaluate});
  CHECK(seen.worker == 3);
  CHECK(seen.index == 2);
  CHECK(seen.purpose == EnvironmentPurpose::kEvaluate);
  factory();
  CHECK(seen.worker == 0);
  CHECK(seen.index == 0);
  CHECK(seen.purpose == EnvironmentPurpose::kTrain);
  CHECK(EnvironmentFactory(from_function)({0, 4, EnvironmentPurpose::kTrain})->reset(1).size() == 5);
  // A callable that takes anything is told.
  const EnvironmentFactory generic = [&seen](const auto&... context) -> std::unique_ptr<Environment> {
    if constexpr (sizeof...(context) == 1) seen.worker = (context.worker + ...);
    return nullptr;
  };
  generic({7, 0, EnvironmentPurpose::kTrain});
  CHECK(seen.worker == 7);
}

TEST_CASE("an empty function makes an empty factory") {
  CHECK_FALSE(EnvironmentFactory());
  CHECK_FALSE(EnvironmentFactory(nullptr));
  CHECK_FALSE(EnvironmentFactory(std::function<std::unique_ptr<Environment>()>()));
  CHECK_FALSE(EnvironmentFactory(std::function<std::unique_ptr<Environment>(EnvironmentContext)>()));
  using Plain = std::unique_ptr<Environment> (*)();
  CHECK_FALSE(EnvironmentFactory(Plain{nullptr}));
  CHECK(EnvironmentFactory(make_cart_pole));
  EnvironmentFactory factory = make_cart_pole;
  factory = {};
  CHECK_FALSE(factory);
}
