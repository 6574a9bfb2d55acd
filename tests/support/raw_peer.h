#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/message.h"

namespace genkidama::test {

/// What stands before the payload of a whole WebSocket message: opcode, length and the mask's four bytes.
std::string masked_frame_start(int opcode, std::uint64_t length, std::string_view mask);

/// A peer made of a plain socket, so that it can send what no sound peer would. Dials; every read has a
/// deadline and throws std::runtime_error when it passes.
class RawPeer {
 public:
  struct Received {
    int opcode = -1;  ///< 1 text, 2 binary, 8 close; -1: the connection has ended
    std::string payload;
    bool last = true;  ///< of its message's fragments
  };

  explicit RawPeer(std::uint16_t port);
  ~RawPeer() { close(); }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  void send(std::string_view bytes);
  /// All bytes until the other side closes.
  std::string read_to_end();

  /// Sends an upgrade request and returns the answer's header.
  std::string upgrade(const std::string& path = "/genkidama/1", const std::string& more_headers = {});

  /// One masked WebSocket frame; `announced` lies about its length when it is not 0.
  void send_frame(int opcode, std::string_view payload, std::uint64_t announced = 0);
  void send_message(const Message& message) { send_frame(1, encode_message(message)); }
  void send_weights(const FrameHeader& header, std::span<const float> weights,
                    std::span<const std::byte> extra = {});

  /// The next message; pings are answered unless `silent`.
  Received read();
  /// Returns when the other side has handled all that it was sent: it has answered a ping. Nothing else may
  /// be on its way from there.
  void sync();
  /// Whether a pong comes before the end of the next message.
  bool pong_within_message();
  /// The next text message, which must be a T.
  template <typename T>
  T read_message() {
    return std::get<T>(read_any_message());
  }
  /// The next binary frame; `weights` has the layout's size.
  FrameHeader read_weights(std::span<float> weights);

  /// hello, welcome and the first weights; returns the welcome.
  WelcomeMessage join(const ParameterLayout& layout, const std::string& name = "raw");
  /// The same for any hello.
  WelcomeMessage join(const HelloMessage& hello);

  /// Closes the socket without a word.
  void close();
  int socket() const { return socket_; }

  bool silent = false;
  /// When not 0: a pause after so many bytes, received or sent.
  std::size_t bytes_per_pause = 0;
  Milliseconds pause{0};

 private:
  Message read_any_message();
  Received read_frame();
  bool fill(std::size_t bytes);
  void passed(std::size_t bytes);

  std::size_t since_pause_ = 0;
  int socket_ = -1;
  std::string buffer_;
};

inline FrameHeader frame_header(FrameType type, std::uint64_t session, std::uint64_t sequence) {
  FrameHeader header;
  header.type = type;
  header.session = session;
  header.sequence = sequence;
  return header;
}

/// The header of a frame that plays a Parent's.
inline FrameHeader parent_frame(std::uint64_t session, std::uint64_t sequence) {
  return frame_header(FrameType::kParentWeights, session, sequence);
}

/// The header of a frame that plays a Child's.
inline FrameHeader child_frame(std::uint64_t session, std::uint64_t sequence) {
  return frame_header(FrameType::kChildWeights, session, sequence);
}

}  // namespace genkidama::test
