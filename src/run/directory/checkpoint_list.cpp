#include "run/directory/checkpoint_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>
#include <system_error>

#include "genkidama/core/error.h"
#include "genkidama/params/safetensors.h"
#include "run/directory/run_directory.h"

namespace genkidama::run {
namespace {

using Path = std::filesystem::path;

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

// "update_999999" before "update_1000000".
bool comes_before(const std::string& left, const std::string& right) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < left.size() && j < right.size()) {
    if (!is_digit(left[i]) || !is_digit(right[j])) {
      if (left[i] != right[j]) return left[i] < right[j];
      ++i;
      ++j;
      continue;
    }
    while (i < left.size() && left[i] == '0') ++i;
    while (j < right.size() && right[j] == '0') ++j;
    const auto digits_from = [](const std::string& text, std::size_t start) {
      std::size_t end = start;
      while (end < text.size() && is_digit(text[end])) ++end;
      return text.substr(start, end - start);
    };
    const std::string a = digits_from(left, i);
    const std::string b = digits_from(right, j);
    if (a.size() != b.size()) return a.size() < b.size();
    if (a != b) return a < b;
    i += a.size();
    j += b.size();
  }
  return left.size() - i < right.size() - j;
}

std::vector<Path> weights_in(const Path& directory) {
  std::vector<Path> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const Path& path = entry->path();
    // state.safetensors and those beside it hold more than a network.
    const bool is_state = path.filename().string().rfind("state.", 0) == 0;
    if (path.extension() != ".safetensors" || is_state || is_final(path)) continue;
    if (entry->is_regular_file(error)) found.push_back(path);
  }
  std::sort(found.begin(), found.end(), [](const Path& left, const Path& right) {
    return comes_before(left.filename().string(), right.filename().string());
  });
  return found;
}

// Nothing when the file does not say; whoever reads it will say why.
std::optional<std::uint64_t> update_of(const Path& path) {
  try {
    const auto metadata = read_safetensors(path).metadata;
    const auto field = metadata.find("update");
    std::uint64_t update = 0;
    if (field == metadata.end()) return {};
    const auto& text = field->second;
    if (std::from_chars(text.data(), text.data() + text.size(), update).ec != std::errc()) return {};
    return update;
  } catch (const Error&) {
    return {};
  }
}

std::vector<Path> expand(const Path& directory) {
  const RunDirectory run(directory);
  std::vector<Path> found = weights_in(directory / "checkpoints");
  std::error_code ignored;
  const bool has_final = std::filesystem::exists(run.final_weights(), ignored);
  if (const auto update = has_final ? update_of(run.final_weights()) : std::nullopt) {
    std::erase(found, run.checkpoint(*update));
  }
  for (Path& path : weights_in(directory)) found.push_back(std::move(path));
  if (has_final) found.push_back(run.final_weights());
  return found;
}

}  // namespace

bool is_final(const std::filesystem::path& checkpoint) {
  return checkpoint.filename() == "final.safetensors";
}

std::vector<std::filesystem::path> checkpoints_of(const std::vector<std::string>& paths) {
  std::vector<Path> all;
  std::set<Path> seen;
  for (const std::string& text : paths) {
    const Path path(text);
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status)) {
      throw ArgumentError(fmt::format("{}: there is no such file or directory", text));
    }
    const bool is_directory = std::filesystem::is_directory(status);
    const std::vector<Path> found = is_directory ? expand(path) : std::vector<Path>{path};
    if (found.empty() && RunDirectory(path).has_peers()) {
      throw ArgumentError(fmt::format(
          "{}: a cluster of peers has run in this directory, each with a policy of its own; expected the "
          "directory of one of them, such as {}",
          text, (RunDirectory(path).peers() / "peer_1").string()));
    }
    if (found.empty()) {
      throw ArgumentError(
          fmt::format("{}: no checkpoints are in this directory; expected a run directory or one with "
                      "files that end in .safetensors",
                      text));
    }
    for (const Path& file : found) {
      if (!seen.insert(std::filesystem::weakly_canonical(file, error)).second) {
        throw ArgumentError(fmt::format("{}: {} is given twice", text, file.string()));
      }
      all.push_back(file);
    }
  }
  return all;
}

}  // namespace genkidama::run
