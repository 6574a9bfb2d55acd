#include "run/sweep/ask_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/one_line.h"
#include "core/spelling.h"
#include "genkidama/core/error.h"
#include "run/directory/json_file.h"

namespace genkidama::run {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t kLongestShown = 100;

// One line; text that is not UTF-8 gets replaced.
std::string line_of(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string shown(const std::string& line) {
  return as_one_line(line.size() > kLongestShown ? line.substr(0, kLongestShown) + "..." : line);
}

std::string text_of(const std::string& option, const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  throw ArgumentError(fmt::format("the value of '{}' is {}; expected a text, a number, true or false",
                                  shown(option), value.type_name()));
}

SweepPoint point_of(const json& setting) {
  if (!setting.is_object() || setting.size() > kMostAskedOptions) {
    throw ArgumentError(
        fmt::format("\"setting\" is no object of at most {} options; expected "
                    "{{\"OPTION\": VALUE, ...}}",
                    kMostAskedOptions));
  }
  SweepPoint point;
  for (const auto& [option, value] : setting.items()) {
    point.push_back({option_spelling(option), text_of(option, value)});
    if (point.back().value.empty() || !is_one_line(point.back().value)) {
      throw ArgumentError(
          fmt::format("the value of '{}' is empty or has control characters; expected a text "
                      "of one line",
                      shown(option)));
    }
  }
  std::sort(point.begin(), point.end(),
            [](const SweepValue& a, const SweepValue& b) { return a.option < b.option; });
  return point;
}

}  // namespace

AskAnswer answer_in(const std::string& line, std::size_t question) {
  const std::string expected = question == 0
                                   ? std::string("{\"end\": true}, since nothing is asked")
                                   : fmt::format(
                                         "{{\"answer\": {}, \"setting\": {{\"OPTION\": VALUE, ...}}}} or "
                                         "{{\"end\": true}}",
                                         question);
  json value;
  try {
    value = json::parse(line);
  } catch (const json::exception& error) {
    throw ArgumentError(
        fmt::format("{}: '{}'; expected {}", json_problem(error, line), shown(line), expected));
  }
  if (value.is_object() && value.size() == 1 && value.value("end", json()) == true) return {true};
  const bool is_answer = value.is_object() && value.size() == 2 && value.contains("setting") &&
                         value.value("answer", json()).is_number_unsigned();
  if (!is_answer || question == 0 || value["answer"] != question) {
    throw ArgumentError(fmt::format("the line is '{}'; expected {}", shown(line), expected));
  }
  return {false, question, point_of(value["setting"])};
}

std::string hello_line(std::size_t trials) {
  return line_of({{"sweep", 1}, {"trials", trials}});
}

std::string known_line(std::size_t number, const SweepPoint& point, std::optional<double> value) {
  ordered_json setting = ordered_json::object();
  for (const SweepValue& each : point) setting[each.option] = each.value;
  ordered_json line = {{"known", number}, {"setting", std::move(setting)}};
  line["value"] = value ? ordered_json(*value) : ordered_json();
  return line_of(line);
}

std::string ask_line(std::size_t number) {
  return line_of({{"ask", number}});
}

std::string tell_line(std::size_t number, double value, std::uint64_t steps,
                      const std::vector<double>& means) {
  return line_of({{"tell", number}, {"value", value}, {"steps", steps}, {"means", means}});
}

std::string same_line(std::size_t number, double value, std::size_t other) {
  return line_of({{"tell", number}, {"value", value}, {"same_as", other}});
}

std::string failed_line(std::size_t number, const std::string& why) {
  return line_of({{"tell", number}, {"failed", why}});
}

std::string refused_line(std::size_t number, const std::string& why) {
  return line_of({{"refused", number}, {"why", why}});
}

std::string end_line(const std::string& why) {
  return line_of({{"end", why}});
}

}  // namespace genkidama::run
