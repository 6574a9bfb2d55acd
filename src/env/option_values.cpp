#include "genkidama/env/option_values.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

const char* kind_of(const OptionValue& value) {
  constexpr const char* kKinds[] = {"a switch", "a whole number", "a number", "a text"};
  return kKinds[value.index()];
}

template <typename T>
const T& value_of(const std::map<std::string, OptionValue, std::less<>>& values, std::string_view name) {
  const auto found = values.find(name);
  if (found == values.end()) {
    std::vector<std::string> names;
    for (const auto& [each, unused] : values) names.push_back(each);
    throw ArgumentError(fmt::format("there is no option '{}' in the environment's context; expected {}", name,
                                    names.empty() ? "none, because the program has no options of its own"
                                                  : fmt::format("one of {}", fmt::join(names, ", "))));
  }
  if (const T* held = std::get_if<T>(&found->second)) return *held;
  throw ArgumentError(fmt::format("the option '{}' is {}, and it was asked for as {}", name,
                                  kind_of(found->second), kind_of(OptionValue(T{}))));
}

}  // namespace

void OptionValues::set(const std::string& name, OptionValue value) {
  values_.insert_or_assign(name, std::move(value));
}

double OptionValues::number(std::string_view name) const {
  return value_of<double>(values_, name);
}

std::int64_t OptionValues::whole(std::string_view name) const {
  return value_of<std::int64_t>(values_, name);
}

const std::string& OptionValues::text(std::string_view name) const {
  return value_of<std::string>(values_, name);
}

bool OptionValues::is_on(std::string_view name) const {
  return value_of<bool>(values_, name);
}

}  // namespace genkidama
