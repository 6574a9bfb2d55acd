// One rank of a job that looks at what an exchange by MPI does: ranks MODE. mpi_test.py starts it under
// mpirun.
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <limits>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/mpi/mpi_group.h"
#include "support/fake_trainer.h"

using namespace genkidama;
using namespace genkidama::mpi;
using namespace genkidama::test;

namespace {

constexpr int kWrong = 1;
constexpr int kFailed = 7;

/// Counts observations, as a trainer does that normalises them.
class CountingTrainer final : public FakeTrainer {
 public:
  explicit CountingTrainer(unsigned seed) : FakeTrainer(small_layout(), seed), own_(1) {}

  std::size_t statistics_components() const override { return 1; }
  NumberedStatistics own_statistics() const override { return {1, own_}; }
  void write_other_statistics(const RunningStatistics& others) override { others_ = others; }

  void count(float value) { own_.add(std::vector<float>{value}); }
  RunningStatistics all() const {
    RunningStatistics result = own_;
    result.merge(others_);
    return result;
  }

 private:
  RunningStatistics own_;
  RunningStatistics others_{1};
};

void expect(bool holds, const char* what) {
  if (!holds) throw Error(std::string("expected ") + what);
}

void expect_near(double value, double expected, const char* what) {
  if (std::abs(value - expected) > 1e-5 * (1 + std::abs(expected)))
    throw Error(std::string(what) + " is " + std::to_string(value) + "; expected " +
                std::to_string(expected));
}

RoundReport round_of(int rank) {
  RoundReport report;
  report.steps_in_round = static_cast<std::uint64_t>(10 * (rank + 1));
  return report;
}

/// Rank r has weights of 2 r + 1, 10 (r + 1) steps, and r + 1 observations of r.
void average(MachineGroup& group) {
  const int rank = group.number(), size = group.size();
  CountingTrainer trainer(static_cast<unsigned>(rank + 1));
  const auto exchange = group.join({});
  exchange->begin(trainer);
  expect(trainer.weights() == random_weights(trainer.layout().size(), 1), "rank 0's weights at first");

  std::vector<float> own(trainer.layout().size(), 2.0f * static_cast<float>(rank) + 1);
  trainer.write_weights(own);
  for (int i = 0; i <= rank; ++i) trainer.count(static_cast<float>(rank));
  const ExchangeReport report = exchange->after_round(trainer, round_of(rank));
  expect(report.averaged == 1, "one average");
  double mean = 0, steps = 0, counted = 0, sum = 0;
  for (int r = 0; r < size; ++r) {
    mean += 10.0 * (r + 1) * (2 * r + 1);
    steps += 10 * (r + 1);
    counted += r + 1;
    sum += r * (r + 1);
  }
  for (const float weight : trainer.weights()) expect_near(weight, mean / steps, "a weight");
  expect_near(trainer.all().count(), counted, "the number of observations");
  expect_near(trainer.all().mean(0), sum / counted, "their mean");

  // A round without a step brings nothing, and one in which nobody played changes nothing.
  const auto before = trainer.weights();
  expect(exchange->after_round(trainer, {}).averaged == 0, "no average of rounds without steps");
  expect(trainer.weights() == before, "unchanged weights");
  expect(!exchange->over(), "that training goes on");
  exchange->finish(trainer);
}

/// Rank 0 has taken no optimizer step, and does not count. The others have moments of r, and 100 r steps of
/// the optimizer.
void average_moments(MachineGroup& group) {
  const int rank = group.number(), size = group.size();
  expect(group.average_moments(), "that ranks can average moments");
  FakeTrainer trainer(small_layout(), 1);
  const std::size_t parameters = trainer.layout().size();
  trainer.remember({2 * parameters, parameters, 2 * parameters});
  const auto exchange = group.join({});
  exchange->begin(trainer);
  expect(trainer.written_moments.empty(), "no moments at first");
  if (rank > 0) {
    trainer.moments.steps = 100 * static_cast<std::uint64_t>(rank);
    trainer.moments.values.assign(2 * parameters, static_cast<float>(rank));
  }
  exchange->after_round(trainer, round_of(rank));
  double mean = 0, steps = 0;
  for (int r = 1; r < size; ++r) {
    mean += 10.0 * (r + 1) * r;
    steps += 10 * (r + 1);
  }
  if (size == 1) {
    expect(trainer.written_moments.empty(), "nothing where nobody has moments");
  } else {
    expect(trainer.moments.steps == 100 * (static_cast<std::uint64_t>(size) - 1), "the most steps");
    for (const float value : trainer.moments.values) expect_near(value, mean / steps, "a moment");
  }

  // Values that no moments are stay out, and the weights still tell of what went wrong.
  if (rank == size - 1) trainer.moments.values.back() = std::numeric_limits<float>::quiet_NaN();
  const std::size_t written = trainer.written_moments.size();
  trainer.moments.steps = 7;
  exchange->after_round(trainer, round_of(rank));
  expect(trainer.written_moments.size() == written, "no moments that are not finite");
  exchange->finish(trainer);
}

/// A run that goes on: all begin with the moments of rank 0.
void begin_with_moments(MachineGroup& group) {
  group.average_moments();
  FakeTrainer trainer;
  trainer.remember({4});
  trainer.moments = {group.number() == 0 ? 5U : 0U, std::vector<float>(4, group.number() == 0 ? 3.0F : 0.0F)};
  const auto exchange = group.join({});
  exchange->begin(trainer);
  expect(trainer.moments == OptimizerMoments{5, {3, 3, 3, 3}}, "the moments of rank 0");
  exchange->finish(trainer);
}

/// Rank 1 averages none.
void average_other_moments(MachineGroup& group) {
  if (group.number() != 1) group.average_moments();
  FakeTrainer trainer;
  trainer.remember({4});
  const auto exchange = group.join({});
  try {
    exchange->begin(trainer);
  } catch (const LayoutError& error) {
    expect(std::string(error.what()).find("averages other moments") != std::string::npos,
           "an error that says so");
    exchange->finish(trainer);
    return;
  }
  throw Error("expected a LayoutError");
}

/// The last rank ends after its second round, and the others hear of it.
void end_together(MachineGroup& group) {
  FakeTrainer trainer(small_layout(), 1);
  const auto exchange = group.join({});
  exchange->begin(trainer);
  int rounds = 0;
  while (!exchange->over() && !(group.number() == group.size() - 1 && rounds == 2)) {
    exchange->after_round(trainer, trainer.train_round());
    ++rounds;
  }
  exchange->finish(trainer);
  expect(exchange->over() == "group", "that all are over together");
  expect(rounds == (group.number() == group.size() - 1 ? 2 : 3), "no further round");
}

void train_another_policy(MachineGroup& group) {
  FakeTrainer trainer;
  trainer.policy.network = group.number() == 1 ? "mlp 64" : "mlp 128";
  const auto exchange = group.join({});
  try {
    exchange->begin(trainer);
  } catch (const LayoutError& error) {
    expect(std::string(error.what()).find("rank 1 trains another network or policy") != std::string::npos,
           "an error that names the rank");
    exchange->finish(trainer);
    return;
  }
  throw Error("expected a LayoutError");
}

/// Rank 1 never comes to the average; the launcher ends it.
void be_missing(MachineGroup& group) {
  FakeTrainer trainer;
  const auto exchange = group.join({});
  exchange->begin(trainer);
  if (group.number() == 1) {
    while (true) pause();
  }
  exchange->after_round(trainer, round_of(group.number()));
}

/// Asked to end while it waits, a rank waits no longer.
void give_up(MachineGroup& group) {
  FakeTrainer trainer;
  int asked = 0;
  const auto exchange = group.join([&] { return group.number() != 1 && ++asked > 20; });
  exchange->begin(trainer);
  if (group.number() == 1) {
    while (true) pause();
  }
  exchange->after_round(trainer, round_of(group.number()));
  expect(exchange->over() == "signal", "that the wait was given up");
  exchange->finish(trainer);
  std::fprintf(stderr, "gave up\n");
  throw Error("the launcher ends rank 1");
}

void run(const std::string& mode) {
  MpiOptions options;
  if (mode == "missing") options.timeout = std::chrono::milliseconds{300};
  const auto group = mpi_group(options);
  if (mode == "average") average(*group);
  if (mode == "moments") average_moments(*group);
  if (mode == "first-moments") begin_with_moments(*group);
  if (mode == "other-moments") average_other_moments(*group);
  if (mode == "end") end_together(*group);
  if (mode == "policy") train_another_policy(*group);
  if (mode == "missing") be_missing(*group);
  if (mode == "give-up") give_up(*group);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return kWrong;
  try {
    run(argv[1]);
  } catch (const IoError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return kFailed;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return kWrong;
  }
  std::printf("passed\n");
  return 0;
}
