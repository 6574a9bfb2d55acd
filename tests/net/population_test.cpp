// Members of a population, with real sockets.
#include <algorithm>
#include <atomic>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/params/merge_methods.h"
#include "genkidama/wire/member_orders.h"
#include "net/fixture.h"
#include "net/run_together.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"
#include "support/relay.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

const MomentsShape kMoments{4, 2, 4};

/// A trainer whose returns are its own number, and that has two hyperparameters.
struct MemberTrainer : FakeTrainer {
  explicit MemberTrainer(double returns, unsigned seed = 1)
      : FakeTrainer(small_layout(), seed), level(returns) {
    remember(kMoments);
  }
  RoundReport train_round() override {
    RoundReport report = FakeTrainer::train_round();
    for (EpisodeResult& each : report.episodes) each.episode_return = level;
    return report;
  }
  std::vector<NamedValue> tunable() const override { return values; }
  void tune(std::span<const NamedValue> given) override {
    for (const NamedValue& each : given)
      for (NamedValue& own : values)
        if (own.name == each.name) own.value = each.value;
    tuned.push_back(values);
  }

  double level;
  std::vector<NamedValue> values{{"gamma", 0.99}, {"learning_rate", 7}};
  std::vector<std::vector<NamedValue>> tuned;
};

PopulationOptions explores_rate(std::uint64_t ready_steps = 40) {
  PopulationOptions options;
  options.explored = {{"learning_rate", 1e-5, 1e-2, true}};
  options.ready_steps = ready_steps;
  return options;
}

ParentOptions population_parent(const PopulationOptions& options = explores_rate()) {
  ParentOptions parent = parent_options();
  parent.exchange = ExchangeKind::kPopulation;
  parent.population = Population(options);
  return parent;
}

ChildOptions member_options(std::uint16_t port, const std::string& name) {
  ChildOptions options = child_options(port, 0, name);
  options.exchange = ExchangeKind::kPopulation;
  return options;
}

/// What a Parent's observer is told of changes.
struct Changes {
  void take(const ParentUpdate& update) {
    const std::lock_guard lock(mutex);
    all.insert(all.end(), update.changes.begin(), update.changes.end());
    best = update.best_member;
  }
  std::vector<PopulationChange> of(PopulationChangeKind kind) {
    const std::lock_guard lock(mutex);
    std::vector<PopulationChange> some;
    std::copy_if(all.begin(), all.end(), std::back_inserter(some),
                 [kind](const PopulationChange& each) { return each.kind == kind; });
    return some;
  }
  std::mutex mutex;
  std::vector<PopulationChange> all;
  std::string best;
};

/// A member that is only a socket, and sends what it likes.
struct RawMember : RawPeer {
  RawMember(std::uint16_t port, const std::string& name) : RawPeer(port) {
    HelloMessage hello;
    hello.name = name;
    hello.layout = small_layout();
    hello.exchange = "population";
    hello.codec = "int8-delta";
    upgrade();
    send_message(hello);
    welcome = read_message<WelcomeMessage>();
    first = answer();
  }
  struct Answer {
    MemberOrders orders;
    std::vector<float> weights;
  };
  Answer answer() {
    const std::string payload = read().payload;
    Answer answer;
    answer.weights.resize(small_layout().size());
    std::vector<std::byte> extra(member_orders_bytes(welcome.explored.size()));
    const auto frame = std::as_bytes(std::span(payload.data(), payload.size()));
    const auto header = decode_frame(frame, answer.weights, extra);
    REQUIRE(header.ok());
    answer.orders = decode_member_orders(extra, welcome.explored.size()).value();
    return answer;
  }
  Answer exchange(const std::vector<float>& weights, double mean, std::uint64_t steps = 100) {
    FrameHeader header = child_frame(welcome.session, ++sequence);
    header.environment_steps = played += steps;
    header.episodes = episodes += 2;
    header.mean_return = mean;
    send_weights(header, weights);
    return answer();
  }

  WelcomeMessage welcome;
  Answer first;
  std::uint64_t sequence = 0, played = 0, episodes = 0;
};

}  // namespace

TEST_CASE("the worst member goes on from the best one's weights, with other values and new moments",
          "[together]") {
  Changes changes;
  RunningParent running(population_parent(), [&](const ParentUpdate& update) { changes.take(update); });
  std::vector<std::unique_ptr<MemberTrainer>> trainers;
  for (unsigned i = 0; i < 4; ++i) trainers.push_back(std::make_unique<MemberTrainer>(10.0 * i, i + 1));
  run_together(
      trainers,
      [&](std::size_t i) { return member_options(running.port(), "child_" + std::to_string(i + 1)); }, 30);
  running.parent.stop();
  CHECK(changes.of(PopulationChangeKind::kStart).size() == 4);
  const auto exploits = changes.of(PopulationChangeKind::kExploit);
  REQUIRE_FALSE(exploits.empty());
  for (const PopulationChange& each : exploits) {
    CHECK(each.member != each.source);
    CHECK(*each.source_score > *each.score);
    CHECK(each.after.size() == 1);
  }
  const Population population = running.parent.population();
  for (std::size_t i = 0; i < trainers.size(); ++i) {
    const MemberTrainer& trainer = *trainers[i];
    const PopulationMember& member = *population.find("child_" + std::to_string(i + 1));
    CAPTURE(member.name);
    // The first weights, and those that it was told to take.
    CHECK(trainer.written.size() == 1 + member.copies);
    CHECK(trainer.written_moments.size() == trainer.written.size());
    for (const OptimizerMoments& each : trainer.written_moments)
      CHECK(each == OptimizerMoments{0, std::vector<float>(kMoments.size)});
    // What is not explored stays.
    CHECK(trainer.values[0] == NamedValue{"gamma", 0.99});
    CHECK(trainer.values[1].value == member.values[0]);
    CHECK(trainer.values[1].value <= 1e-2);
    CHECK(member.steps == 600);
  }
  CHECK(running.parent.population().best()->score == 30.0);
  CHECK(same_bits(running.parent.weights(), *population.best()->weights));
}

TEST_CASE("a member keeps its weights bit for bit until it is told to take others") {
  RunningParent running(population_parent());
  RawMember better(running.port(), "better"), worse(running.port(), "worse");
  CHECK(better.welcome.exchange == "population");
  CHECK(better.welcome.explored == std::vector<std::string>{"learning_rate"});
  // Members go on from exactly what they copy.
  CHECK(better.welcome.codec == "f32");
  CHECK(same_bits(better.first.weights, running.initial));
  CHECK_FALSE(better.first.orders.takes_weights);
  CHECK(better.first.orders.values != worse.first.orders.values);
  const auto good = random_weights(16, 5), bad = random_weights(16, 6);
  const auto kept = better.exchange(good, 100);
  CHECK_FALSE(kept.orders.takes_weights);
  CHECK(kept.orders.values == better.first.orders.values);
  CHECK(same_bits(kept.weights, good));
  CHECK(same_bits(running.parent.weights(), good));
  const auto told = worse.exchange(bad, 1);
  CHECK(told.orders.takes_weights);
  CHECK(same_bits(told.weights, good));
  CHECK(told.orders.values != worse.first.orders.values);
  // It is not ready again before it has played on.
  const auto next = worse.exchange(bad, 1, 5);
  CHECK_FALSE(next.orders.takes_weights);
  CHECK(same_bits(next.weights, bad));
}

TEST_CASE("a member whose weights are not finite copies another one at once, and is not kept out") {
  Changes changes;
  RunningParent running(population_parent(), [&](const ParentUpdate& update) { changes.take(update); });
  RawMember sound(running.port(), "sound"), broken(running.port(), "broken");
  const auto good = random_weights(16, 5);
  sound.exchange(good, 3);
  auto spoilt = good;
  spoilt[3] = std::numeric_limits<float>::quiet_NaN();
  const auto told = broken.exchange(spoilt, 1e9, 1);
  CHECK(told.orders.takes_weights);
  CHECK(same_bits(told.weights, good));
  // In time and again, and weights that are out of proportion too.
  auto huge = good;
  huge[0] = 1e30f;
  CHECK(broken.exchange(huge, 1e9).orders.takes_weights);
  CHECK_FALSE(broken.exchange(good, 2, 1).orders.takes_weights);
  const auto diverged = changes.of(PopulationChangeKind::kDiverged);
  REQUIRE(diverged.size() == 2);
  CHECK(diverged[0].source == "sound");
  CHECK(running.parent.status().refused_updates == 0);
  CHECK(running.parent.population().best()->name == "sound");
}

TEST_CASE("a lost Child's member is kept, is not copied, and is taken up when it returns") {
  RunningParent running(population_parent());
  RawMember other(running.port(), "other");
  const auto good = random_weights(16, 5), bad = random_weights(16, 6);
  std::vector<double> values;
  {
    RawMember lost(running.port(), "lost");
    lost.exchange(good, 100);
    values = lost.first.orders.values;
  }
  REQUIRE(eventually([&] { return running.parent.status().children.size() == 1; }));
  // The best weights are its own all the same.
  CHECK(same_bits(running.parent.weights(), good));
  CHECK_FALSE(other.exchange(bad, 1).orders.takes_weights);
  RawMember back(running.port(), "lost");
  CHECK(back.welcome.shown_name.empty());
  CHECK(same_bits(back.first.weights, good));
  CHECK(back.first.orders.values == values);
  CHECK(running.parent.population().members().size() == 2);
  CHECK(other.exchange(bad, 1).orders.takes_weights);
}

TEST_CASE("an answer that was lost on its way is made good on the next link") {
  Gate merged;
  RunningParent running(population_parent(), [&](const ParentUpdate& update) {
    const bool is_told = std::any_of(update.changes.begin(), update.changes.end(), [](const auto& each) {
      return each.kind == PopulationChangeKind::kExploit;
    });
    if (is_told) merged.open();
  });
  Relay relay(running.port());
  RawMember better(running.port(), "better");
  const auto good = random_weights(16, 5);
  better.exchange(good, 100);
  MemberTrainer trainer(1, 3);
  // The answer to the second frame, which tells it to copy the other one, comes to the relay and no further.
  trainer.on_round = [&](std::vector<float>&) {
    if (trainer.rounds == 2) relay.mute();
  };
  Child child(member_options(relay.port(), "worse"), trainer);
  ChildRun run(child, [&](const ChildProgress& progress) { return progress.exchanges < 3; });
  REQUIRE(merged.wait());
  relay.cut(running.port());
  run.get();
  CHECK(running.parent.status().resumed == 1);
  // Each copy that it was told to make was made once.
  const std::uint64_t copies = running.parent.population().find("worse")->copies;
  CHECK(copies >= 1);
  REQUIRE(trainer.written.size() == 1 + copies);
  CHECK(same_bits(trainer.written[1], good));
  CHECK(trainer.values[1].value == running.parent.population().find("worse")->values[0]);
}

TEST_CASE("a later process of a Child takes its member up where the Parent has it") {
  RunningParent running(population_parent());
  RawMember better(running.port(), "better");
  const auto good = random_weights(16, 5);
  better.exchange(good, 100);
  MemberTrainer trainer(1, 3);
  Child child(member_options(running.port(), "worse"), trainer);
  child.run(exchanges(2));
  REQUIRE(trainer.written.size() == 2);
  CHECK(same_bits(trainer.written[1], good));
  MemberTrainer again(1, 4);
  Child second(member_options(running.port(), "worse"), again);
  second.run(exchanges(1));
  CHECK(same_bits(again.written.at(0), good));
  CHECK(again.tuned.at(0)[1].value == trainer.values[1].value);
}

TEST_CASE("a population that a Parent goes on with has its members, their scores and their values") {
  const auto good = random_weights(16, 5), bad = random_weights(16, 6);
  ParentOptions options = population_parent();
  Population before;
  {
    RunningParent running(options);
    RawMember better(running.port(), "better"), worse(running.port(), "worse");
    worse.exchange(bad, 1);
    better.exchange(good, 100);
    before = running.parent.population();
  }
  options.population = before;
  options.epoch = 1;
  RunningParent running(options);
  RawMember worse(running.port(), "worse");
  CHECK(same_bits(worse.first.weights, bad));
  CHECK(worse.first.orders.values == before.find("worse")->values);
  // The better one has not come back yet.
  CHECK_FALSE(worse.exchange(bad, 1).orders.takes_weights);
  RawMember better(running.port(), "better");
  CHECK(same_bits(better.first.weights, good));
  CHECK(worse.exchange(bad, 1).orders.takes_weights);
}

TEST_CASE("members of other exchanges, and trainers that cannot change what is explored, are refused") {
  RunningParent running(population_parent());
  const auto refusal = [&](FakeTrainer& trainer, ExchangeKind exchange) -> std::string {
    ChildOptions options = child_options(running.port());
    options.exchange = exchange;
    Child child(options, trainer);
    try {
      child.run(exchanges(1));
    } catch (const IoError& error) {
      return error.what();
    }
    return "it was not refused";
  };
  FakeTrainer other;
  CHECK_THAT(
      refusal(other, ExchangeKind::kEach),
      Contains("this Parent's exchange is 'population' and the peer asks for 'each'; give both the same"));
  CHECK(other.rounds == 0);
  RunningParent each;
  MemberTrainer member(1);
  Child child(member_options(each.port(), "member"), member);
  CHECK_THROWS_WITH(child.run(),
                    Contains("this Parent's exchange is 'each' and the peer asks for 'population'"));
  // A Child that refuses its Parent is told so in its log, and finds nobody else.
  ChildOptions options = member_options(running.port(), "stiff");
  options.join_timeout = Milliseconds(3'000);
  options.backoff_min = options.backoff_max = Milliseconds(1'000);
  FakeTrainer stiff;
  Child stiff_child(options, stiff);
  CHECK_THROWS_WITH(stiff_child.run(),
                    Contains("the Parent's population explores 'learning_rate', which this Child "
                             "cannot change while it trains"));
  CHECK(stiff.rounds == 0);
}

TEST_CASE("what makes no sense with a population is refused") {
  const auto refused = [](const std::function<void(ParentOptions&)>& change) -> std::string {
    ParentOptions options = population_parent();
    change(options);
    try {
      Parent(options, small_layout(), random_weights(16, 1));
    } catch (const ArgumentError& error) {
      return error.what();
    }
    return "";
  };
  CHECK(refused([](ParentOptions&) {}).empty());
  CHECK_THAT(refused([](ParentOptions& options) { options.population = Population(); }),
             Contains("a population explores 0 hyperparameters"));
  CHECK_THAT(refused([](ParentOptions& options) { options.exchange = ExchangeKind::kEach; }),
             Contains("a population is given and the exchange is 'each'; expected 'population'"));
  CHECK_THAT(refused([](ParentOptions& options) { options.merge_threads = 2; }),
             Contains("merge_threads is 2 and the exchange is 'population'"));
  CHECK_THAT(refused([](ParentOptions& options) { options.merge_rule = [](auto...) {}; }),
             Contains("merge_rule is given and the exchange is 'population'"));
  CHECK_THAT(refused([](ParentOptions& options) {
               MergeOptions median;
               median.kind = MergeKind::kMedian;
               options.merge_method = make_merge_method(median);
             }),
             Contains("merge_method 'median' is given and the exchange is 'population'"));
  CHECK_THAT(refused([](ParentOptions& options) { options.average_moments = true; }),
             Contains("average_moments is set and the exchange is 'population'"));
  CHECK_THAT(refused([](ParentOptions& options) { options.rounds.apart_from_steps = 10; }),
             Contains("the exchange is 'population', in which no rounds are averaged"));
  CHECK_THAT(refused([](ParentOptions& options) { options.population.join("one", random_weights(3, 1)); }),
             Contains("member 'one' of the population has 3 weights, and the layout 16"));
  MemberTrainer trainer(1);
  ChildOptions child = member_options(1, "child");
  child.overlap = true;
  CHECK_THROWS_WITH(Child(child, trainer), Contains("a Child waits for the Parent's answer"));
  child.overlap = false;
  child.codec = CodecKind::kInt8;
  CHECK_THROWS_WITH(Child(child, trainer), Contains("whose members go on from exactly what they copy"));
}
