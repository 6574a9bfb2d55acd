// A Parent that merges by a rule with notes, such as those that come with the library.
#include "genkidama/params/merge_method.h"

#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/params/merge_methods.h"
#include "genkidama/params/robust_mean.h"
#include "genkidama/params/weighted_average.h"
#include "net/fixture.h"
#include "net/log_record.h"
#include "net/parent/parent_state.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

using Weights = std::vector<float>;
constexpr std::size_t kSize = 16;

std::shared_ptr<const MergeMethod> method_of(MergeKind kind, std::uint64_t attackers = 1) {
  MergeOptions options;
  options.kind = kind;
  options.attackers = attackers;
  return make_merge_method(options);
}

ParentOptions with_method(std::shared_ptr<const MergeMethod> method, double alpha = 0.5) {
  ParentOptions options = parent_options(alpha);
  options.merge_method = std::move(method);
  options.limits.close_timeout = Milliseconds(100);
  return options;
}

/// A Child made of a socket.
struct Sender {
  Sender(std::uint16_t port, const std::string& name) : peer(port) {
    session = peer.join(small_layout(), name).session;
  }
  void send(std::span<const float> weights) {
    FrameHeader header;
    header.session = session;
    header.sequence = ++sequence;
    peer.send_weights(header, weights);
  }
  void exchange(std::span<const float> weights) {
    send(weights);
    Weights answer(weights.size());
    REQUIRE(peer.read_weights(answer).sequence == sequence);
  }

  RawPeer peer;
  std::uint64_t session = 0, sequence = 0;
};

Weights all(float value) {
  return Weights(kSize, value);
}

/// Fails as it is told, after it has changed its notes.
class FailingMethod final : public MergeMethod {
 public:
  std::string name() const override { return "failing"; }
  std::unique_ptr<MergeMethod> clone() const override { return std::make_unique<FailingMethod>(*this); }
  void merge(std::span<float> parent, std::span<const float> child, const MergeContext& context) override {
    ++calls;
    if (context.update == 2) throw std::runtime_error("no");
    weighted_average(parent, child, context.alpha);
  }
  bool combines_rounds() const override { return true; }
  void combine(std::span<const WeightedChange>, std::span<float> mean) override {
    ++calls;
    mean[3] = std::numeric_limits<float>::quiet_NaN();
  }
  void save(StateWriter& state) const override { state.u64("calls", calls); }
  void restore(const StateReader& state) override { calls = state.u64("calls"); }

  std::uint64_t calls = 0;
};

std::uint64_t calls_of(const MergeMethod& method) {
  return dynamic_cast<const FailingMethod&>(method).calls;
}

}  // namespace

TEST_CASE("a Child that lies within bounds does not move a Parent that takes the median", "[merge_method]") {
  RunningParent running(with_method(method_of(MergeKind::kMedian), 1));
  Sender one(running.port(), "one"), two(running.port(), "two"), liar(running.port(), "liar");
  liar.exchange(all(-500));
  CHECK(same_bits(running.parent.weights(), running.initial));
  one.exchange(all(1));
  CHECK(same_bits(running.parent.weights(), running.initial));
  two.exchange(all(2));
  CHECK(same_bits(running.parent.weights(), all(1)));
  liar.exchange(all(500));
  CHECK(same_bits(running.parent.weights(), all(2)));
  CHECK(running.parent.status().refused_updates == 0);
}

TEST_CASE("the average goes where a liar wants it, which is why there are other rules", "[merge_method]") {
  RunningParent running(with_method(nullptr, 1));
  Sender one(running.port(), "one"), liar(running.port(), "liar");
  one.exchange(all(1));
  liar.exchange(all(-500));
  CHECK(same_bits(running.parent.weights(), all(-500)));
  CHECK(running.parent.merge_method() == nullptr);
}

TEST_CASE("weights that are refused are no vote", "[merge_method]") {
  const LogRecord quiet;
  RunningParent running(with_method(method_of(MergeKind::kTrimmedMean), 1));
  Sender one(running.port(), "one"), two(running.port(), "two");
  one.exchange(all(1));
  two.exchange(all(2));
  Weights bad = all(3);
  bad[7] = std::numeric_limits<float>::quiet_NaN();
  {
    Sender liar(running.port(), "liar");
    liar.send(bad);
    REQUIRE(eventually([&] { return running.parent.status().refused_updates == 1; }));
  }
  one.exchange(all(1));
  CHECK(same_bits(running.parent.weights(), running.initial));
  Sender three(running.port(), "three");
  three.exchange(all(6));
  CHECK(same_bits(running.parent.weights(), all(2)));
}

TEST_CASE("the observer is given the method after the merge", "[merge_method]") {
  std::vector<std::uint64_t> votes;
  RunningParent running(with_method(method_of(MergeKind::kKrum)), [&](const ParentUpdate& update) {
    StateWriter state;
    update.merge_method->save(state);
    votes.push_back(state.take().weights.size() / kSize);
  });
  Sender one(running.port(), "one"), two(running.port(), "two");
  one.exchange(all(1));
  two.exchange(all(2));
  one.exchange(all(3));
  running.parent.stop();
  CHECK(votes == std::vector<std::uint64_t>{1, 2, 2});
}

TEST_CASE("a method that fails leaves W_P and its own notes as they were", "[merge_method]") {
  const ParameterLayout layout = small_layout();
  ParentOptions options;
  options.merge_method = std::make_shared<FailingMethod>();
  ParentState state(options, layout, random_weights(kSize, 1));
  ChildStatus child;
  child.name = "child";
  child.session = 1;
  state.joined(child, 0, false);
  REQUIRE(state.merge(child_frame(1, 1), random_weights(kSize, 2)).failure.empty());
  const Weights weights = state.weights();
  CHECK(calls_of(*state.merge_method()) == 1);
  const MergeReport report = state.merge(child_frame(1, 2), random_weights(kSize, 3));
  CHECK_THAT(report.failure, Contains("the merge rule failed at update 2, on the weights of 'child'") &&
                                 Contains("it threw: no"));
  CHECK(same_bits(state.weights(), weights));
  CHECK(calls_of(*state.merge_method()) == 1);
}

TEST_CASE("a round is combined by the method, and one that fails changes nothing", "[merge_method]") {
  const ParameterLayout layout = small_layout();
  ParentOptions options;
  options.exchange = ExchangeKind::kRounds;
  const auto round = [&](std::shared_ptr<const MergeMethod> method, std::vector<Weights> changes) {
    options.merge_method = std::move(method);
    auto state = std::make_unique<ParentState>(options, layout, all(1));
    for (std::uint64_t i = 1; i <= changes.size(); ++i) {
      ChildStatus child;
      child.name = "child_" + std::to_string(i);
      child.session = i;
      state->joined(child, 0, false);
    }
    for (std::uint64_t i = 1; i <= changes.size(); ++i)
      state->contribute(frame_header(FrameType::kChildChange, i, 1), 100 * i, changes[i - 1]);
    return state;
  };
  auto state = round(method_of(MergeKind::kMedian), {all(1), all(-1000), all(2)});
  CHECK(state->merge_round().failure.empty());
  CHECK(same_bits(state->weights(), all(2)));
  // Two cannot outvote one.
  state = round(method_of(MergeKind::kMedian), {all(1), all(-1000)});
  CHECK(state->merge_round().failure.empty());
  CHECK(same_bits(state->weights(), all(1)));

  state = round(std::make_shared<FailingMethod>(), {all(1), all(2)});
  CHECK_THAT(state->merge_round().failure,
             Contains("the merge rule 'failing' failed at update 1: it made the change of weight 3"));
  CHECK(same_bits(state->weights(), all(1)));
  CHECK(state->status().updates == 0);
  CHECK(calls_of(*state->merge_method()) == 0);
}

TEST_CASE("a method is refused where it cannot merge", "[merge_method]") {
  const auto refused = [](const ParentOptions& options, const std::string& expected) {
    CHECK_THROWS_WITH(Parent(options, small_layout(), random_weights(kSize, 1)), Contains(expected));
  };
  ParentOptions options = with_method(method_of(MergeKind::kFedAsync));
  options.exchange = ExchangeKind::kRounds;
  refused(options, "merge_method 'fedasync' is given and the exchange is 'rounds'; give it with 'each'");
  options = with_method(method_of(MergeKind::kKrum));
  options.exchange = ExchangeKind::kSegments;
  options.segments.round_steps = 10;
  refused(options,
          "merge_method 'krum' is given and the exchange is 'segments'; give it with 'each' or 'rounds'");
  options = with_method(method_of(MergeKind::kKrum));
  options.merge_rule = [](std::span<float>, std::span<const float>, const MergeContext&) {};
  refused(options, "merge_rule and merge_method 'krum' are both given; give one of them");
}
