// libFuzzer's entry, compiled once for each target.

#include "fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  genkidama::fuzz::GENKIDAMA_FUZZ_TARGET({data, size});
  return 0;
}
