// The command around run::export_policy(): what it takes, what it writes, and that nothing is lost when it
// fails.
#include <filesystem>

#include "bad_argument.h"
#include "fixture.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/nn/networks.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/export.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

using Path = std::filesystem::path;
using Words = std::vector<std::string>;

Path write_policy(const Path& path) {
  const auto network = mlp_network({.hidden = {8}})({{3}, 2, 1}, 1);
  write_safetensors(path, {network->layout(), network->first_weights(), {{"environment", "Task"}}});
  return path;
}

Words exporting(const Path& policy, const Words& more) {
  return with(call("export", "--checkpoint", policy.string()), more);
}

}  // namespace

TEST_CASE("export writes the policy that export_policy() makes") {
  const TemporaryDirectory directory;
  const Path policy = write_policy(directory / "p"), out = directory / "out";
  const auto c = run_program(exporting(policy, {"--to", "c", "--out", out.string()}));
  CHECK(c.exit_code == 0);
  CHECK(file_text(out) == run::export_policy(policy).bytes);
  CHECK(c.errors.find("Task") != std::string::npos);
  const auto named = run_program(exporting(policy, {"--to", "c", "--out", out.string(), "--prefix", "my"}));
  CHECK(named.exit_code == 0);
  CHECK(file_text(out) == run::export_policy(policy, {.prefix = "my"}).bytes);
  // What it tells does not get among the bytes.
  const auto onnx = run_program(exporting(policy, {"--to", "onnx", "--out", "/dev/stdout"}));
  CHECK(onnx.exit_code == 0);
  CHECK(onnx.output == run::export_policy(policy, {.format = run::ExportFormat::kOnnx}).bytes);
}

TEST_CASE("export refuses what it cannot do in one line, and the old file stays") {
  const TemporaryDirectory directory;
  const Path policy = write_policy(directory / "p"), out = directory / "out";
  write_file_atomically(out, "old");
  const Words good{"--to", "c", "--out", out.string()};
  check_bad_argument(call("export", "--to", "c", "--out", out.string()), "--checkpoint FILE is required");
  check_bad_argument(exporting(policy, {"--out", out.string()}), "--to is required");
  check_bad_argument(exporting(policy, {"--to", "c"}), "--out FILE is required");
  check_bad_argument(exporting(policy, {"--to", "java", "--out", out.string()}), "--to is 'java'");
  check_bad_argument(exporting(policy, with(good, {"--checkpoint", policy.string()})), "once");
  check_bad_argument(exporting(policy, with(good, {"--prefix", "a-b"})), "--prefix is 'a-b'");
  check_bad_argument(exporting(policy, {"--to", "c", "--out", policy.string()}), "the policy itself");
  check_bad_argument(exporting(directory.path(), good), "this is a directory");
  check_bad_argument(exporting(directory / "none", good), "cannot read");
  write_file_atomically(directory / "bad", file_text(policy).substr(0, 200));
  check_bad_argument(exporting(directory / "bad", good), "--checkpoint: ");
  CHECK(file_text(out) == "old");
  const auto nowhere =
      run_program(exporting(policy, {"--to", "c", "--out", (directory / "none" / "out").string()}));
  CHECK(nowhere.exit_code == 1);
  CHECK(nowhere.errors.find("cannot write") != std::string::npos);
  CHECK(directory.entries() == 3);
}
