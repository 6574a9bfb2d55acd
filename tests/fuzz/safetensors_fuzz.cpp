#include <cmath>
#include <vector>

#include "fuzz/targets.h"
#include "genkidama/core/error.h"
#include "genkidama/params/safetensors.h"
#include "params/safetensors_header.h"

namespace genkidama::fuzz {

/// Input: two bytes that say how many bytes of data there are, the header.
void safetensors_header(Input input) {
  if (input.size() < 2) return;
  const std::uint64_t data_bytes = input[0] + 256u * input[1];
  SafetensorsHeader header;
  try {
    header = parse_safetensors_header(text_of(input.subspan(2)), data_bytes);
  } catch (const FormatError& error) {
    require_printable(error.what());
    return;
  }
  require(header.layout.size() * sizeof(float) == data_bytes, "the tensors are all of the data");
  const auto again = parse_safetensors_header(format_safetensors_header(header), data_bytes);
  require(again.layout == header.layout && again.metadata == header.metadata, "a header comes back the same");
}

/// Input: the file.
void safetensors_file(Input input) {
  const MemoryFile file(input);
  try {
    const Checkpoint checkpoint = read_safetensors(file.path());
    require(checkpoint.weights.size() == checkpoint.layout.size(), "as many weights as the layout says");
    for (const float weight : checkpoint.weights) require(std::isfinite(weight), "finite weights");
  } catch (const FormatError&) {
  }
}

}  // namespace genkidama::fuzz
