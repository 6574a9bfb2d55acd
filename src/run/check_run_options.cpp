#include "run/check_run_options.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/one_line.h"
#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "run/directory/json_file.h"

namespace genkidama::run {
namespace {

class Check {
 public:
  explicit Check(const RunOptions& options) : options_(options) {}

  template <typename Number>
  void at_least(std::string_view field, Number value, Number least) const {
    if (value < least) fail(field, fmt::format("{}", value), fmt::format("at least {}", least));
  }

  void at_least_one(std::string_view field, const std::optional<std::uint64_t>& value) const {
    if (value) at_least<std::uint64_t>(field, *value, 1);
  }

  void not_negative(std::string_view field, double value) const {
    if (!is_finite(value) || value < 0) fail(field, fmt::format("{}", value), "a finite number, 0 or above");
  }

  void finite(std::string_view field, double value) const {
    if (!is_finite(value)) fail(field, fmt::format("{}", value), "a finite number");
  }

  void one_line(std::string_view field, const std::string& text) const {
    if (!is_one_line(text)) fail(field, fmt::format("'{}'", as_one_line(text)), "a text of one line");
  }

  [[noreturn]] void fail(std::string_view field, std::string_view value, std::string_view expected) const {
    throw ArgumentError(fmt::format("{} is {}; expected {}", options_.name_of(field), value, expected));
  }

 private:
  const RunOptions& options_;
};

}  // namespace

void check_run_options(const RunOptions& options) {
  const Check check(options);
  check.one_line("record.program", options.record.program);
  check.one_line("record.command", options.record.command);
  check.one_line("record.preset", options.record.preset);
  if (options.clone_only && options.demonstrations.empty()) {
    check.fail(
        "clone_only", "given",
        fmt::format("a file of demonstrations together with it: {} FILE", options.name_of("demonstrations")));
  }
  check.at_least_one("updates", options.updates);
  check.at_least_one("max_steps", options.max_steps);
  if (options.target) check.finite("target", *options.target);
  check.not_negative("max_weight_norm", options.max_weight_norm);
  check.at_least_one("evaluate_every", options.evaluate_every);
  check.at_least_one("patience", options.patience);
  check.at_least("target_episodes", options.target_episodes, 1);
  check.at_least("eval_episodes", options.eval_episodes, 0);
  check.at_least<std::uint64_t>("checkpoint_every", options.checkpoint_every, 1);
  check.not_negative("checkpoint_seconds", options.checkpoint_seconds);
  // Its constructor has the rules.
  const PolicyAverage average(options.policy_average);
  if (options.policy_average.kind == PolicyAverageKind::kSwa && !options.updates && !options.max_steps) {
    check.fail("policy_average", "swa",
               fmt::format("a run whose end is known, since swa starts at a share of it: set {} or {}",
                           options.name_of("updates"), options.name_of("max_steps")));
  }
  check_json_object(options.name_of("record.config"), options.record.config);
}

}  // namespace genkidama::run
