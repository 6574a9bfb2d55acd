#include "cli/commands/guarded.h"

#include <fmt/format.h>

#include <exception>

#include "cli/terminal/output.h"
#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/stop_signal.h"

namespace genkidama::cli {
namespace {

constexpr int kFailedRun = 1;
constexpr int kBadArguments = 2;

int report(const char* error, int exit_code) noexcept {
  try {
    print_error(fmt::format("error: {}\n", error));
  } catch (const std::exception&) {
    // Without memory for one line: in pieces.
    print_error("error: ");
    print_error(error);
    print_error("\n");
  }
  return exit_code;
}

}  // namespace

int guarded(const std::function<int()>& body) noexcept {
  try {
    return body();
  } catch (const StoppedError&) {
    // By a signal, before there was anything to keep.
    return run::stop_signal() != 0 ? 128 + run::stop_signal() : kFailedRun;
  } catch (const ArgumentError& error) {
    return report(error.what(), kBadArguments);
  } catch (const std::exception& error) {
    return report(error.what(), kFailedRun);
  } catch (...) {
    return report("something that is no std::exception was thrown", kFailedRun);
  }
}

}  // namespace genkidama::cli
