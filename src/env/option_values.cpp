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

}  // namespace

void OptionValues::set(const std::string& name, OptionValue value) {
  values_.insert_or_assign(name, std::move(value));
}

template <typename T>
const T& OptionValues::value(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) {
    std::vector<std::string> names;
    for (const auto& [each, unused] : values_) names.push_back(each);
    throw ArgumentError(fmt::format("there is no option '{}' in the environment's context; expected {}", name,
                                    names.empty() ? "none, because the program has no options of its own"
                                                  : fmt::format("one of {}", fmt::join(names, ", "))));
  }
  if (const T* held = std::get_if<T>(&found->second)) return *held;
  throw ArgumentError(fmt::format("the option '{}' is {}, and it was asked for as {}", name,
                                  kind_of(found->second), kind_of(OptionValue(T{}))));
}

double OptionValues::number(std::string_view name) const {
  return value<double>(name);
}

std::int64_t OptionValues::whole(std::string_view name) const {
  return value<std::int64_t>(name);
}

const std::string& OptionValues::text(std::string_view name) const {
  return value<std::string>(name);
}

bool OptionValues::is_on(std::string_view name) const {
  return value<bool>(name);
}

}  // namespace genkidama
