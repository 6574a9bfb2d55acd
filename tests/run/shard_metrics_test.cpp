// metrics.csv of a shard.
#include "run/shard_metrics.h"

#include <cmath>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "run/metrics/csv_table.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

ShardStatus status_at(std::uint64_t steps, std::size_t learners = 1) {
  ShardStatus status;
  status.steps = steps;
  status.stale = steps / 10;
  status.gradients = steps + steps / 10;
  status.bytes_received = 100 * status.gradients;
  status.bytes_sent = 50 * status.gradients;
  status.learners.resize(learners);
  return status;
}

std::vector<CsvRow> rows_of(const std::filesystem::path& path) {
  const auto table = read_csv(path);
  REQUIRE(table);
  CHECK(table->columns == CsvRow{"update", "wall_seconds", "updates_per_second", "gradients",
                                 "stale_gradients", "learners", "bytes_received", "bytes_sent"});
  return table->rows;
}

}  // namespace

TEST_CASE("a shard's rows say what happened since the row before") {
  const TemporaryDirectory directory;
  const auto path = directory / "metrics.csv";
  {
    ShardMetrics metrics(path, {}, 10, status_at(0, 0), 0);
    metrics.look(status_at(40), 9.5);  // not due
    metrics.look(status_at(100), 10);
    metrics.look(status_at(100), 30);  // nothing has happened
    metrics.look(status_at(100, 0), 40);
    metrics.finish(status_at(150), 41);
    metrics.finish(status_at(150), 42);
  }
  CHECK(rows_of(path) == std::vector<CsvRow>{{"100", "10.000", "10.0", "110", "10", "1", "11000", "5500"},
                                             {"100", "40.000", "0.0", "0", "0", "0", "0", "0"},
                                             {"150", "41.000", "50.0", "55", "5", "1", "5500", "2750"}});
}

TEST_CASE("a shard that is resumed appends, and drops rows that its state has not seen") {
  const TemporaryDirectory directory;
  const auto path = directory / "metrics.csv";
  {
    ShardMetrics metrics(path, {}, 10, status_at(0, 0), 0);
    for (int i = 1; i <= 3; ++i) metrics.look(status_at(static_cast<std::uint64_t>(100 * i)), 10 * i);
  }
  ShardStatus start;
  start.steps = 200;
  start.stale = 20;
  ShardMetrics metrics(path, 200, 10, start, 20);
  metrics.look(status_at(250), 29);  // not due: rows are as far apart as without the restart
  ShardStatus later = start;
  later.steps = 260;
  later.stale = 26;
  later.gradients = 66;  // of this process
  later.learners.resize(2);
  metrics.look(later, 32);
  const auto rows = rows_of(path);
  REQUIRE(rows.size() == 3);
  CHECK(rows[1][0] == "200");
  CHECK(rows[2] == CsvRow{"260", "32.000", "5.0", "66", "6", "2", "0", "0"});
}

TEST_CASE("a shard's rows are bounded by the logarithm of its age") {
  const TemporaryDirectory directory;
  const auto path = directory / "metrics.csv";
  ShardMetrics metrics(path, {}, 10, status_at(0, 0), 0);
  // Half a year, looked at every minute, and every second at first.
  const double end = 182.0 * 86'400;
  std::uint64_t steps = 0;
  for (double now = 1; now < end; now += now < 20'000 ? 1 : 60) metrics.look(status_at(++steps), now);
  const auto rows = rows_of(path);
  CHECK(rows.size() > 1'000);
  CHECK(static_cast<double>(rows.size()) < 1'001 + 1'000 * std::log(end / 10'000));
  CHECK(number_in(rows.back()[1]).value() > 0.99 * end);
}
