#include "python/tasks.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "cli/options/command_line.h"
#include "genkidama/core/error.h"
#include "tool/program.h"
#include "tool/task.h"

namespace genkidama::python {
namespace {

std::string with_keywords(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    const bool begins = text.compare(i, 2, "--") == 0 && i + 2 < text.size() &&
                        std::islower(static_cast<unsigned char>(text[i + 2])) != 0 &&
                        (i == 0 || std::isalnum(static_cast<unsigned char>(text[i - 1])) == 0);
    if (!begins) {
      result += text[i++];
      continue;
    }
    for (i += 2; i < text.size(); ++i) {
      const auto letter = static_cast<unsigned char>(text[i]);
      if (std::isalnum(letter) == 0 && letter != '-') break;
      result += letter == '-' ? '_' : static_cast<char>(letter);
    }
  }
  return result;
}

std::string text_of(py::handle value) {
  if (PyBool_Check(value.ptr())) return value.ptr() == Py_True ? "true" : "false";
  return py::str(value);
}

bool is_list(py::handle value) {
  return py::isinstance<py::list>(value) || py::isinstance<py::tuple>(value);
}

/// A list is several flags where the option takes several, and otherwise one text: "64,64".
void add_words(const std::string& name, py::handle value, std::vector<std::string>& words) {
  std::string flag = "--" + name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  if (!is_list(value)) {
    words.push_back(flag + "=" + text_of(value));
    return;
  }
  const auto& table = tool_program().table;
  const bool is_repeated = std::any_of(table.begin(), table.end(), [&flag](const cli::OptionRow& row) {
    return row.flag() == flag && row.kind == cli::ValueKind::kTextList;
  });
  std::string joined;
  for (const py::handle each : value) {
    if (is_repeated) words.push_back(flag + "=" + text_of(each));
    joined += (joined.empty() ? "" : ",") + text_of(each);
  }
  if (!is_repeated) words.push_back(flag + "=" + joined);
}

tool::PythonPlace this_python() {
  tool::PythonPlace place;
  const py::object executable = py::module_::import("sys").attr("executable");
  if (py::isinstance<py::str>(executable) && py::len(executable) > 0)
    place.interpreter = executable.cast<std::string>();
  const py::object served = py::module_::import("genkidama_serve").attr("__file__");
  place.folder = py::module_::import("os").attr("path").attr("dirname")(served).cast<std::string>();
  return place;
}

}  // namespace

const cli::ResolvedProgram& tool_program() {
  // It lives as long as the process, whose end destroys what environments of it may still need.
  static const auto* const program = new cli::ResolvedProgram(tool::make_program(this_python()));
  return *program;
}

void in_keywords(const std::function<void()>& body) {
  try {
    body();
  } catch (const ArgumentError& error) {
    throw ArgumentError(with_keywords(error.what()));
  }
}

cli::Settings settings_of(const char* command, const std::string& task, const py::dict& options) {
  std::vector<std::string> words{tool_program().name, command};
  words.push_back(std::string("--") + tool::kTaskOption + "=" + tool::absolute_task(task));
  for (const auto& [name, value] : options) {
    if (!value.is_none()) add_words(py::str(name), value, words);
  }
  std::vector<const char*> pointers;
  for (const std::string& word : words) pointers.push_back(word.c_str());
  std::optional<cli::Settings> settings;
  std::ostringstream help;
  in_keywords([&] {
    settings =
        cli::parse_command_line(static_cast<int>(pointers.size()), pointers.data(), tool_program(), help);
  });
  if (!settings) throw ArgumentError("help and version are no options here; see genkidama --help");
  return std::move(*settings);
}

std::unique_ptr<Environment> make_task(const std::string& task, const py::dict& options) {
  EnvironmentContext context;
  context.purpose = EnvironmentPurpose::kEvaluate;
  context.options = settings_of("check", task, options).own;
  std::unique_ptr<Environment> environment;
  in_keywords([&] { environment = tool_program().environment(context); });
  return environment;
}

}  // namespace genkidama::python
