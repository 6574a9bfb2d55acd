#include "support/raw_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <thread>

namespace genkidama::test {
namespace {

constexpr int kTimeoutMs = 20'000;

}  // namespace

RawPeer::RawPeer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (socket_ < 0 || ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close();
    throw std::runtime_error("raw peer: cannot connect");
  }
}

void RawPeer::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

void RawPeer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t piece = bytes_per_pause > 0 ? std::min(bytes.size(), bytes_per_pause) : bytes.size();
    const ssize_t sent = ::send(socket_, bytes.data(), piece, MSG_NOSIGNAL);
    if (sent <= 0) return;  // the other side has closed: what it says is read next
    bytes.remove_prefix(static_cast<std::size_t>(sent));
    passed(static_cast<std::size_t>(sent));
  }
}

void RawPeer::passed(std::size_t bytes) {
  since_pause_ += bytes;
  if (bytes_per_pause == 0 || since_pause_ < bytes_per_pause) return;
  since_pause_ = 0;
  std::this_thread::sleep_for(pause);
}

bool RawPeer::fill(std::size_t bytes) {
  while (buffer_.size() < bytes) {
    pollfd ready{socket_, POLLIN, 0};
    if (::poll(&ready, 1, kTimeoutMs) <= 0) throw std::runtime_error("raw peer: nothing arrived in time");
    char chunk[4096];
    const ssize_t got = ::recv(socket_, chunk, sizeof chunk, 0);
    if (got <= 0) return false;
    buffer_.append(chunk, static_cast<std::size_t>(got));
    passed(static_cast<std::size_t>(got));
  }
  return true;
}

std::string RawPeer::read_to_end() {
  while (fill(buffer_.size() + 1)) {
  }
  return std::move(buffer_);
}

std::string RawPeer::upgrade(const std::string& path, const std::string& more_headers) {
  send("GET " + path +
       " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
       more_headers + "\r\n");
  std::size_t end = std::string::npos;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill(buffer_.size() + 1)) throw std::runtime_error("raw peer: no HTTP answer");
  }
  std::string header = buffer_.substr(0, end + 4);
  buffer_.erase(0, end + 4);
  return header;
}

std::string masked_frame_start(int opcode, std::uint64_t length, std::string_view mask) {
  std::string start(1, static_cast<char>(0x80 | opcode));
  if (length < 126) {
    start += static_cast<char>(0x80 | length);
  } else {
    const int bytes = length < 65'536 ? 2 : 8;
    start += static_cast<char>(0x80 | (bytes == 2 ? 126 : 127));
    for (int i = bytes - 1; i >= 0; --i) start += static_cast<char>(length >> (8 * i) & 0xff);
  }
  return start.append(mask);
}

void RawPeer::send_frame(int opcode, std::string_view payload, std::uint64_t announced) {
  constexpr std::string_view kMask = "\x11\x22\x33\x44";
  std::string frame = masked_frame_start(opcode, announced != 0 ? announced : payload.size(), kMask);
  for (std::size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ kMask[i % 4]);
  send(frame);
}

void RawPeer::send_weights(const FrameHeader& header, std::span<const float> weights,
                           std::span<const std::byte> extra) {
  std::vector<std::byte> frame;
  encode_frame(header, weights, frame, extra);
  send_frame(2, {reinterpret_cast<const char*>(frame.data()), frame.size()});
}

RawPeer::Received RawPeer::read_frame() {
  if (!fill(2)) return {};
  const int opcode = buffer_[0] & 0x0f;
  const bool last = (buffer_[0] & 0x80) != 0;
  std::size_t length = static_cast<unsigned char>(buffer_[1]) & 0x7f, at = 2;
  if (length >= 126) {
    const std::size_t bytes = length == 126 ? 2 : 8;
    if (!fill(2 + bytes)) return {};
    length = 0;
    for (; at < 2 + bytes; ++at) length = length << 8 | static_cast<unsigned char>(buffer_[at]);
  }
  if (!fill(at + length)) return {};
  std::string payload = buffer_.substr(at, length);
  buffer_.erase(0, at + length);
  return {opcode, std::move(payload), last};
}

RawPeer::Received RawPeer::read() {
  Received whole;
  for (;;) {
    Received received = read_frame();
    if (received.opcode == 9 && !silent) send_frame(10, received.payload);
    if (received.opcode == 9 || received.opcode == 10) continue;
    if (received.opcode < 0 || received.opcode == 8) return received;
    if (received.opcode > 0) whole.opcode = received.opcode;
    whole.payload += received.payload;
    if (received.last) return whole;
  }
}

void RawPeer::sync() {
  send_frame(9, "sync");
  if (read_frame().opcode != 10) throw std::runtime_error("raw peer: a pong was expected");
}

bool RawPeer::pong_within_message() {
  for (;;) {
    const Received received = read_frame();
    if (received.opcode == 10) return true;
    if (received.opcode < 0 || (received.opcode < 8 && received.last)) return false;
  }
}

Message RawPeer::read_any_message() {
  const Received received = read();
  if (received.opcode != 1) throw std::runtime_error("raw peer: a text message was expected");
  const auto message = decode_message(received.payload);
  if (!message.ok()) throw std::runtime_error("raw peer: " + message.reason());
  return message.value();
}

FrameHeader RawPeer::read_weights(std::span<float> weights) {
  const Received received = read();
  if (received.opcode != 2)
    throw std::runtime_error("raw peer: weights were expected, not " + received.payload);
  const auto header = decode_frame(std::as_bytes(std::span(received.payload)), weights);
  if (!header.ok()) throw std::runtime_error("raw peer: " + header.reason());
  return header.value();
}

WelcomeMessage RawPeer::join(const ParameterLayout& layout, const std::string& name) {
  HelloMessage hello;
  hello.name = name;
  hello.layout = layout;
  return join(hello);
}

WelcomeMessage RawPeer::join(const HelloMessage& hello) {
  upgrade();
  send_message(hello);
  const auto welcome = read_message<WelcomeMessage>();
  std::vector<float> weights(hello.layout.size());
  read_weights(weights);
  return welcome;
}

}  // namespace genkidama::test
