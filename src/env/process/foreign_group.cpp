#include "env/process/foreign_group.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"

namespace genkidama {
namespace {

constexpr std::uint8_t kRest = GENKIDAMA_REST, kReset = GENKIDAMA_RESET, kStep = GENKIDAMA_STEP;

std::string shown_name(const ProcessEnvironmentOptions& options) {
  if (!options.name.empty()) return options.name;
  return options.command.empty() ? "" : std::filesystem::path(options.command.front()).filename().string();
}

bool is_same(const EnvironmentSpec& a, const EnvironmentSpec& b) {
  return a.observation_shape == b.observation_shape && a.action_space == b.action_space &&
         a.masks_actions == b.masks_actions && a.metrics == b.metrics && a.time_limit == b.time_limit;
}

}  // namespace

ForeignGroup::ForeignGroup(ProcessEnvironmentOptions options, const EnvironmentContext& context,
                           std::size_t environments)
    : options_(std::move(options)), context_(context), name_(shown_name(options_)), rows_(environments) {
  for (int attempt = 1; !session_; ++attempt) {
    try {
      start();
    } catch (const ForeignFault& fault) {
      // A program that is only asked what it is need not be asked twice.
      const bool once = context_.purpose == EnvironmentPurpose::kDescribe;
      if (fault.kind != ForeignFault::Kind::kGone || once || attempt >= options_.max_failures_at_reset) {
        throw ArgumentError(fmt::format("environment '{}': its process {}; its command is '{}'", name_,
                                        fault.what(), fmt::join(options_.command, " ")));
      }
      log(LogLevel::kWarning, "environment '{}': its process {}; it is started again", name_, fault.what());
    }
  }
  spec_ = session_->spec();
  name_ = spec_.name;
}

void ForeignGroup::start() {
  session_ =
      std::make_unique<ForeignSession>(options_, name_, context_, static_cast<std::uint32_t>(rows_.size()));
  ++starts_;
  for (Row& row : rows_) row.step = Step::kNone;
}

ForeignGroup::Given& ForeignGroup::reset(std::size_t environment, std::uint64_t seed) {
  if (!session_) {
    start();
    if (!is_same(session_->spec(), spec_)) {
      session_.reset();
      throw ArgumentError(fmt::format(
          "environment '{}': its process was started again and describes another environment than "
          "before; expected the same",
          name_));
    }
  }
  const ForeignMemory& memory = session_->memory();
  for (std::size_t i = 0; i < rows_.size(); ++i) memory.command(i) = kRest;
  memory.seed(environment) = seed;
  memory.command(environment) = kReset;
  rows_[environment].step = Step::kNone;
  session_->take_turn(options_.reset_timeout);
  take(environment);
  return rows_[environment].given;
}

void ForeignGroup::prepare(std::size_t environment, Action action) {
  const auto place = session_->memory().action(environment);
  std::memcpy(place.data(), action.data(), action.size_bytes());
  rows_[environment].step = Step::kPrepared;
}

ForeignGroup::Given& ForeignGroup::step(std::size_t environment, Action action) {
  if (rows_[environment].step != Step::kPlayed) {
    prepare(environment, action);
    const ForeignMemory& memory = session_->memory();
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      memory.command(i) = rows_[i].step == Step::kPrepared ? kStep : kRest;
    }
    session_->take_turn(options_.step_timeout);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (rows_[i].step != Step::kPrepared) continue;
      take(i);
      rows_[i].step = Step::kPlayed;
    }
  }
  rows_[environment].step = Step::kNone;
  return rows_[environment].given;
}

void ForeignGroup::take(std::size_t environment) {
  const ForeignMemory& memory = session_->memory();
  Given& given = rows_[environment].given;
  const auto copy = [](const auto& from, auto& to) { to.assign(from.begin(), from.end()); };
  copy(memory.observation(environment), given.observation);
  copy(memory.mask(environment), given.mask);
  copy(memory.metrics(environment), given.metrics);
  given.reward = memory.reward(environment);
  given.ends = memory.ends(environment);
}

std::string ForeignGroup::end(const ForeignFault& fault) {
  std::string ending;
  if (session_) ending = session_->kill();
  session_.reset();
  return *fault.what() != '\0' ? fault.what() : ending;
}

}  // namespace genkidama
