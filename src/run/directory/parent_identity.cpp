#include "run/directory/parent_identity.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <system_error>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/net/parent.h"
#include "net/parent/run_id.h"
#include "run/directory/json_file.h"

namespace genkidama::run {
namespace {

// No run was started so often; half a million starts are left.
std::uint64_t random_high_epoch() {
  return (kMaxEpoch + 1) / 2 + std::random_device{}() % ((kMaxEpoch + 1) / 4);
}

ParentIdentity read_identity(const std::filesystem::path& file) {
  try {
    std::ifstream stream(file, std::ios::binary);
    const auto values = nlohmann::json::parse(stream);
    ParentIdentity identity{values.at("run_id"), values.at("epoch")};
    if (!identity.run_id.empty() && identity.epoch < kMaxEpoch) return identity;
  } catch (const nlohmann::json::exception&) {
    // Said below.
  }
  throw FormatError(fmt::format("{}: it has no 'run_id' and 'epoch' below 2^21", file.string()));
}

}  // namespace

ParentIdentity next_identity(const std::filesystem::path& file, bool goes_on) {
  ParentIdentity identity;
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    identity = {new_run_id(), goes_on ? std::uint64_t{1} : std::uint64_t{0}};
  } else {
    try {
      identity = read_identity(file);
      ++identity.epoch;
    } catch (const FormatError& error) {
      identity = {new_run_id(), random_high_epoch()};
      log(LogLevel::kWarning, "{}; the run gets the new id {}, and Children join it as new ones",
          error.what(), identity.run_id);
    }
  }
  write_json_file(file, {{"run_id", identity.run_id}, {"epoch", identity.epoch}});
  return identity;
}

}  // namespace genkidama::run
