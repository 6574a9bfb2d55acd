#include "run/shard_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace genkidama::run {
namespace {

// Of the run's age, the least between two rows.
constexpr double kShareOfAge = 1e-3;

const std::vector<std::string> kColumns = {"update",         "wall_seconds",    "updates_per_second",
                                           "gradients",      "stale_gradients", "learners",
                                           "bytes_received", "bytes_sent"};

}  // namespace

ShardMetrics::ShardMetrics(const std::filesystem::path& path, std::optional<std::uint64_t> keep_until,
                           double seconds, const ShardStatus& start, double wall_seconds,
                           std::unique_ptr<TensorBoardLog> log)
    : file_(path, kColumns, keep_until),
      log_(std::move(log)),
      seconds_(seconds),
      last_(start),
      last_seconds_(wall_seconds) {
  if (log_) log_->set_columns(kColumns);
}

bool ShardMetrics::has_changed(const ShardStatus& status) const {
  // Bytes alone are those of a handshake.
  return status.steps != last_.steps || status.gradients != last_.gradients ||
         status.learners.size() != last_.learners.size();
}

void ShardMetrics::look(const ShardStatus& status, double wall_seconds) {
  if (wall_seconds - last_seconds_ >= std::max(seconds_, kShareOfAge * wall_seconds))
    finish(status, wall_seconds);
}

void ShardMetrics::finish(const ShardStatus& status, double wall_seconds) {
  if (has_changed(status)) write(status, wall_seconds);
}

void ShardMetrics::write(const ShardStatus& status, double wall_seconds) {
  const double rate =
      static_cast<double>(status.steps - last_.steps) / std::max(1e-6, wall_seconds - last_seconds_);
  const std::vector<std::string> fields = {fmt::format("{}", status.steps),
                                           fmt::format("{:.3f}", wall_seconds),
                                           fmt::format("{:.1f}", rate),
                                           fmt::format("{}", status.gradients - last_.gradients),
                                           fmt::format("{}", status.stale - last_.stale),
                                           fmt::format("{}", status.learners.size()),
                                           fmt::format("{}", status.bytes_received - last_.bytes_received),
                                           fmt::format("{}", status.bytes_sent - last_.bytes_sent)};
  file_.append(fields);
  if (log_) log_->row(status.steps, fields);
  last_ = status;
  last_seconds_ = wall_seconds;
}

}  // namespace genkidama::run
