#include "run/directory/machine.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <fstream>
#include <string>

#include "core/one_line.h"
#include "genkidama/core/cores.h"
#include "genkidama/core/utf8.h"

namespace genkidama::run {
namespace {

// Of the first processor; boards have it under another name at the end.
nlohmann::ordered_json processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name") && !line.starts_with("Model\t") && !line.starts_with("Hardware\t"))
      continue;
    const auto colon = line.find(": ");
    if (colon != std::string::npos) return to_utf8(as_one_line(line.substr(colon + 2)));
  }
  return nullptr;
}

}  // namespace

nlohmann::ordered_json machine_json() {
  nlohmann::ordered_json machine;
  machine["processor"] = processor_name();
  utsname system{};
  const bool is_told = uname(&system) == 0;
  machine["architecture"] = is_told ? to_utf8(system.machine) : "";
  machine["cores"] = usable_cores();
  machine["system"] = is_told ? to_utf8(fmt::format("{} {}", system.sysname, system.release)) : "";
  return machine;
}

}  // namespace genkidama::run
