// What cannot be exported is refused with one error, and damaged files are what they are elsewhere.
#include <fstream>

#include "exported_policies.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/run/export.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

using Path = std::filesystem::path;

/// The policy of the first case with other words in its metadata.
void rewrite(const Path& path, const std::map<std::string, std::string>& words) {
  write_policy(path, exported_cases().front());
  Checkpoint file = read_safetensors(path);
  for (const auto& [key, word] : words) file.metadata[key] = word;
  write_safetensors(path, file);
}

}  // namespace

TEST_CASE("a policy of a network or a behaviour of one's own is not exported") {
  const TemporaryDirectory directory;
  const Path path = directory / "p";
  rewrite(path, {{"network", "my convolutions"}});
  CHECK_THROWS_AS(run::export_policy(path), ArgumentError);
  CHECK_THROWS_WITH(run::export_policy(path),
                    Contains("'my convolutions'") && Contains("does not come with"));
  rewrite(path, {{"network", ""}});
  CHECK_THROWS_AS(run::export_policy(path), ArgumentError);
  rewrite(path, {{"behaviour", "dice"}});
  CHECK_THROWS_AS(run::export_policy(path), ArgumentError);
  CHECK_THROWS_WITH(run::export_policy(path), Contains("'dice'"));
  const ParameterLayout layout({{"other.weight", {4, 3}}});
  write_safetensors(path, {layout, std::vector<float>(12), {}});
  CHECK_THROWS_AS(run::export_policy(path), ArgumentError);
}

TEST_CASE("a policy whose words do not fit each other is not exported") {
  const TemporaryDirectory directory;
  const Path path = directory / "p";
  for (const auto& [key, word] : std::map<std::string, std::string>{{"behaviour", "deterministic"},
                                                                    {"behaviour ", ""},
                                                                    {"action_choices", "5"},
                                                                    {"policy_outputs", "5"},
                                                                    {"network", "mlp 64 32 tanh"},
                                                                    {"observation_shape", "2147483647"},
                                                                    {"observation_statistics", "1"}}) {
    CAPTURE(key, word);
    rewrite(path, {{key, word}});
    if (key.ends_with(' ')) {
      CHECK_NOTHROW(run::export_policy(path));
    } else {
      CHECK_THROWS_AS(run::export_policy(path), Error);
    }
  }
  rewrite(path, {{"behaviour", "greedy"}, {"action_choices", "2 2"}, {"action_width", "2"}});
  CHECK_THROWS_AS(run::export_policy(path), FormatError);
}

TEST_CASE("a policy that has diverged is not exported") {
  const TemporaryDirectory directory;
  const Path path = directory / "p";
  write_policy(path, exported_cases().front());
  Checkpoint file = read_safetensors(path);
  for (float& weight : file.weights) weight = 1e38f;
  write_safetensors(path, file);
  CHECK_THROWS_WITH(run::export_policy(path), Contains("not finite"));
}

TEST_CASE("a damaged file is refused wherever it is damaged") {
  const TemporaryDirectory directory;
  const Path path = directory / "p";
  write_policy(path, exported_cases()[5]);
  std::ifstream stream(path, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(stream), {}};
  REQUIRE_NOTHROW(run::export_policy(path));
  Random random(5);
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    std::string bytes = whole;
    if (i % 2 == 0) {
      bytes.resize(random.below(bytes.size()));
    } else {
      // Of the header, where a byte has a meaning.
      bytes[random.below(800)] = static_cast<char>(random.below(256));
    }
    write_file_atomically(path, bytes);
    try {
      run::export_policy(path);
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(refused >= 200);
}
