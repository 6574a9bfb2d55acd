#include "core/processor_time.h"

#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include <charconv>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <system_error>

namespace genkidama {
namespace {

struct Process {
  pid_t parent = 0;
  double ticks = 0;  ///< its own and those of the children that it has waited for
};

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

double own_seconds() {
  double seconds = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    if (getrusage(who, &usage) == 0) seconds += seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  }
  return seconds;
}

Process read_process(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::string text;
  std::getline(stream, text);
  // A process may have any name, brackets included.
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(text.substr(name_end + 1));
  Process process;
  std::string skipped;
  fields >> skipped >> process.parent;
  for (int field = 5; field <= 13; ++field) fields >> skipped;
  for (int field = 14; field <= 17; ++field) {
    double ticks = 0;
    fields >> ticks;
    process.ticks += ticks;
  }
  return fields ? process : Process{};
}

std::map<pid_t, Process> all_processes() {
  std::map<pid_t, Process> processes;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    pid_t number = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), number);
    if (read.ec != std::errc() || read.ptr != name.data() + name.size()) continue;
    processes[number] = read_process(entry->path() / "stat");
  }
  return processes;
}

bool descends_from(pid_t ancestor, pid_t process, const std::map<pid_t, Process>& processes) {
  // A number may have been given anew while the list was made, so a way up need not end.
  for (std::size_t steps = 0; steps <= processes.size(); ++steps) {
    const auto found = processes.find(process);
    if (found == processes.end()) return false;
    process = found->second.parent;
    if (process == ancestor) return true;
  }
  return false;
}

}  // namespace

double processor_seconds() noexcept {
  try {
    double seconds = own_seconds();
    const auto processes = all_processes();
    const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
    for (const auto& [number, process] : processes) {
      if (ticks_per_second > 0 && descends_from(getpid(), number, processes)) {
        seconds += process.ticks / ticks_per_second;
      }
    }
    return seconds;
  } catch (const std::exception&) {
    return own_seconds();
  }
}

}  // namespace genkidama
