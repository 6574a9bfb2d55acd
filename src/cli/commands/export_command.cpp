#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "cli/commands/commands.h"
#include "cli/terminal/output.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/run/export.h"

namespace genkidama::cli {
namespace {

// A file that the user named and that cannot be used is a bad argument.
run::ExportedPolicy exported(const Settings& settings) {
  const std::filesystem::path path = settings.evaluate.checkpoints.front();
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw ArgumentError(
        fmt::format("--checkpoint {}: this is a directory; expected a policy file, such as {}", path.string(),
                    (path / "final.safetensors").string()));
  }
  try {
    return run::export_policy(path, {.format = *settings.exported.format,
                                     .prefix = settings.exported.prefix,
                                     .weights = settings.exported.weights});
  } catch (const Error& error) {
    throw ArgumentError(fmt::format("--checkpoint: {}", error.what()));
  }
}

// The policy must outlive a slip of the keyboard.
void check_target(const Settings& settings) {
  std::error_code ignored;
  if (!std::filesystem::equivalent(settings.out, settings.evaluate.checkpoints.front(), ignored)) return;
  throw ArgumentError(
      fmt::format("--out is '{}', which is the policy itself; expected another file", settings.out));
}

}  // namespace

int run_export(const Settings& settings) {
  check_target(settings);
  const run::ExportedPolicy policy = exported(settings);
  write_file_atomically(settings.out, policy.bytes);
  print_error(fmt::format("{}\n'{}': {} bytes, prefix '{}'\n", policy.summary, settings.out,
                          policy.bytes.size(), policy.prefix));
  return 0;
}

}  // namespace genkidama::cli
