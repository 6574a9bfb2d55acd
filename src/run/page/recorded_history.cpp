#include "run/page/recorded_history.h"

#include <initializer_list>
#include <optional>
#include <string>

#include "genkidama/core/is_finite.h"
#include "run/metrics/csv_reader.h"

namespace genkidama::run {
namespace {

/// The field of a row, or unknown.
class Column {
 public:
  Column(const CsvReader& table, std::initializer_list<const char*> names) {
    for (const char* name : names) {
      if (!place_) place_ = table.column(name);
    }
  }
  double in(const CsvRow& row) const {
    return place_ ? number_in(row[*place_]).value_or(HistoryPoint::kUnknown) : HistoryPoint::kUnknown;
  }

 private:
  std::optional<std::size_t> place_;
};

}  // namespace

void add_recorded(const std::filesystem::path& metrics, RunHistory& history) {
  CsvReader table(metrics);
  const Column steps(table, {"environment_steps"}), seconds(table, {"wall_seconds"}),
      mean(table, {"return_mean", "child_return_mean"}), low(table, {"return_min"}),
      high(table, {"return_max"}), policy_loss(table, {"policy_loss"}), value_loss(table, {"value_loss"}),
      entropy(table, {"entropy"}), approximate_kl(table, {"approximate_kl"});
  for (CsvRow row; table.next(row);) {
    HistoryPoint point{steps.in(row), seconds.in(row)};
    if (!(point.steps >= 0) || !(point.seconds >= 0)) continue;
    point.mean_return = mean.in(row);
    // A Parent's rows have no more than the mean of each Child.
    const double least = low.in(row), greatest = high.in(row);
    point.low_return = is_finite(least) ? least : point.mean_return;
    point.high_return = is_finite(greatest) ? greatest : point.mean_return;
    point.policy_loss = policy_loss.in(row);
    point.value_loss = value_loss.in(row);
    point.entropy = entropy.in(row);
    point.approximate_kl = approximate_kl.in(row);
    history.add(point);
  }
}

std::vector<EvaluationPoint> recorded_evaluations(const std::filesystem::path& evaluations,
                                                  std::size_t most) {
  std::vector<EvaluationPoint> points;
  CsvReader table(evaluations);
  const Column steps(table, {"environment_steps"}), mean(table, {"return_mean"}), low(table, {"return_min"}),
      high(table, {"return_max"});
  for (CsvRow row; table.next(row);) {
    points.push_back({steps.in(row), mean.in(row), low.in(row), high.in(row)});
    if (points.size() > most) points.erase(points.begin());
  }
  return points;
}

}  // namespace genkidama::run
