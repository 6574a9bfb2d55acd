#pragma once

// What is fuzzed: every decoder of bytes that a peer or a file may hold. A target takes any bytes, and aborts
// when the code under test breaks a promise of its header; the sanitizers see to the rest.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace genkidama::fuzz {

using Input = std::span<const std::uint8_t>;

void frame(Input input);               // view_frame, decode_frame, encode_frame
void codec(Input input);               // split_frame, WeightDecoder, WeightEncoder
void message(Input input);             // decode_message, encode_message
void safetensors_header(Input input);  // the JSON header alone: fast
void safetensors_file(Input input);    // read_safetensors
void http_request(Input input);        // what a listener makes of an HTTP request
void endpoint(Input input);            // HOST:PORT
void run_state(Input input);           // state.safetensors
void segments(Input input);            // decode_segments, encode_segments
void gradients(Input input);           // decode_gradients, append_gradients, decode_fates, encode_fates
void environments(Input input);        // frames between a server and its hosts, and a host's hello
void peer(Input input);                // frames of weights between two peers, in a row
void moments(Input input);             // decode_moments, append_moments, moments_fault
void member_orders(Input input);       // decode_member_orders, append_member_orders

inline void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

inline std::string_view text_of(Input input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

/// Reasons go to logs and terminals.
inline void require_printable(std::string_view text) {
  for (const char c : text) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a printable reason");
}

/// A file in memory with these bytes, that can be opened by its path.
class MemoryFile {
 public:
  explicit MemoryFile(Input content);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace genkidama::fuzz
