// Gives every target the inputs that are kept for it, without a fuzzer: for any compiler.
//
//   genkidama_fuzz_replay DIRECTORY        of one directory per target
//
// A target that finds something aborts. Every input is also given cut short at every length.

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "fuzz/targets.h"

namespace {

namespace fs = std::filesystem;
namespace fuzz = genkidama::fuzz;

constexpr std::array<std::pair<const char*, void (*)(fuzz::Input)>, 14> kTargets{
    {{"frame", fuzz::frame},
     {"codec", fuzz::codec},
     {"message", fuzz::message},
     {"moments", fuzz::moments},
     {"member_orders", fuzz::member_orders},
     {"safetensors_header", fuzz::safetensors_header},
     {"safetensors_file", fuzz::safetensors_file},
     {"http_request", fuzz::http_request},
     {"endpoint", fuzz::endpoint},
     {"run_state", fuzz::run_state},
     {"segments", fuzz::segments},
     {"gradients", fuzz::gradients},
     {"environments", fuzz::environments},
     {"peer", fuzz::peer}}};

std::vector<std::uint8_t> read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  for (const auto& [name, target] : kTargets) {
    std::size_t files = 0, inputs = 0;
    for (const auto& entry : fs::directory_iterator(fs::path(argv[1]) / name)) {
      // Named first: whatever comes now is this file's.
      std::fprintf(stderr, "%s\n", entry.path().c_str());
      const auto bytes = read_file(entry.path());
      const std::size_t step = std::max<std::size_t>(1, bytes.size() / 500);
      for (std::size_t size = 0; size < bytes.size(); size += step, ++inputs) {
        // Memory of its own, so that a byte too many is noticed.
        const std::vector<std::uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        target(cut);
      }
      target(bytes);
      ++files;
      ++inputs;
    }
    std::printf("%s: %zu files, %zu inputs\n", name, files, inputs);
    if (files < 3) return 1;
  }
  return 0;
}
