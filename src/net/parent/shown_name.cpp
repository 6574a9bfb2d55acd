#include "net/parent/shown_name.h"

#include <fmt/format.h>

#include "genkidama/wire/protocol.h"

namespace genkidama {

std::string shown_name(const std::string& own, const std::set<std::string>& in_use) {
  std::string name = own;
  for (std::size_t number = 2; in_use.contains(name); ++number) {
    const std::string suffix = fmt::format("#{}", number);
    name = own.substr(0, kMaxNameBytes - suffix.size()) + suffix;
  }
  return name;
}

}  // namespace genkidama
