#include "env/process/foreign_session.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "env/time_limit.h"
#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"

namespace genkidama {
namespace {

static_assert(sizeof(genkidama_hello_message) == 40 && sizeof(genkidama_spec_message) == 64 &&
                  sizeof(genkidama_layout_message) == 80 && sizeof(genkidama_ready_message) == 24 &&
                  sizeof(genkidama_turn_message) == 8,
              "other languages read these messages by their offsets");

constexpr std::uint32_t kMostComponents = 4'096;
constexpr std::uint32_t kLongestName = 256;

using Kind = ForeignFault::Kind;

/// One line that no terminal obeys.
std::string line_of(std::string_view text) {
  std::string line = to_utf8(cut_utf8(text, GENKIDAMA_MAX_TEXT));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return line;
}

std::string seconds(Milliseconds span) {
  return fmt::format("{:g} s", static_cast<double>(span.count()) / 1000);
}

/// Takes values from a message, none of them behind its end.
class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) : bytes_(bytes) {}

  std::string_view take(std::size_t count) {
    if (count > bytes_.size() - at_) {
      throw ForeignFault(Kind::kWrong, "sent a spec that is shorter than its own sizes say");
    }
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }
  template <typename T>
  std::vector<T> values(std::size_t count) {
    std::vector<T> result(count);
    const std::string_view bytes = take(count * sizeof(T));
    if (count > 0) std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
  }
  bool at_end() const { return at_ == bytes_.size(); }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

void check_at_most(const char* what, std::uint32_t given, std::uint32_t most) {
  if (given <= most) return;
  throw ForeignFault(Kind::kWrong,
                     fmt::format("says that it has {} {}, expected at most {}", given, what, most));
}

std::vector<int> whole_numbers(const char* what, const std::vector<std::uint32_t>& given) {
  std::vector<int> result;
  for (const std::uint32_t number : given) {
    check_at_most(what, number, std::numeric_limits<int>::max());
    result.push_back(static_cast<int>(number));
  }
  return result;
}

std::vector<std::string> metric_names(std::string_view bytes, std::uint32_t count) {
  std::vector<std::string> names;
  while (!bytes.empty()) {
    const auto end = bytes.find('\0');
    if (end == std::string_view::npos) break;
    names.push_back(line_of(bytes.substr(0, end)));
    bytes.remove_prefix(end + 1);
  }
  if (!bytes.empty() || names.size() != count) {
    throw ForeignFault(Kind::kWrong, fmt::format("names {} metrics, expected {}", names.size(), count));
  }
  return names;
}

void check_head(const genkidama_spec_message& head, std::uint32_t environments) {
  if (std::memcmp(head.magic, GENKIDAMA_PROTOCOL_MAGIC, sizeof head.magic) != 0) {
    throw ForeignFault(Kind::kWrong, "does not speak the environment protocol");
  }
  if (head.version != GENKIDAMA_PROTOCOL_VERSION) {
    throw ForeignFault(Kind::kWrong, fmt::format("speaks version {} of the environment protocol, expected {}",
                                                 head.version, GENKIDAMA_PROTOCOL_VERSION));
  }
  if (head.environments != environments) {
    throw ForeignFault(Kind::kWrong,
                       fmt::format("serves {} environments, expected {}", head.environments, environments));
  }
  check_at_most("dimensions of an observation", head.dimensions, GENKIDAMA_MAX_DIMENSIONS);
  check_at_most("choices", head.choices, kMostComponents);
  check_at_most("continuous components", head.components, kMostComponents);
  check_at_most("metrics", head.metrics, static_cast<std::uint32_t>(kMaxMetrics));
  check_at_most("bytes in its name", head.name_bytes, kLongestName);
  check_at_most("bytes in its flags", head.flags, GENKIDAMA_MASKS_ACTIONS);
}

}  // namespace

ForeignSocket::ForeignSocket() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw IoError(fmt::format("cannot make a pair of sockets: {}", std::strerror(errno)));
  }
  own_ = ends[0];
  foreign_ = ends[1];
}

void ForeignSocket::close_foreign_end() {
  if (foreign_ >= 0) ::close(std::exchange(foreign_, -1));
}

void ForeignSocket::close() {
  if (own_ >= 0) ::close(std::exchange(own_, -1));
  close_foreign_end();
}

void ForeignSocket::send(const void* message, std::size_t bytes) {
  ssize_t sent = 0;
  do {
    sent = ::send(own_, message, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent == static_cast<ssize_t>(bytes)) return;
  if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return;  // receive() tells, after any last words
  const bool is_full = sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  throw ForeignFault(Kind::kGone, is_full
                                      ? "does not read its socket"
                                      : fmt::format("cannot be sent a message: {}", std::strerror(errno)));
}

std::size_t ForeignSocket::receive(void* message, std::size_t size, Milliseconds limit, Milliseconds told) {
  if (limit != limit_) {
    timeval time{};
    time.tv_sec = limit.count() / 1000;
    time.tv_usec = limit.count() % 1000 * 1000;
    ::setsockopt(own_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    limit_ = limit;
  }
  const Deadline deadline = Deadline::after(limit);
  ssize_t count = 0;
  do {
    // The length is that of the whole message, whatever fits.
    count = ::recv(own_, message, size, MSG_TRUNC);
    // A program that ended before it read everything: the kernel tells that first, its last words lie behind
    // it.
  } while (count < 0 && ((errno == EINTR && !deadline.passed()) || errno == ECONNRESET));
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
    throw ForeignFault(Kind::kGone, fmt::format("did not answer within {}", seconds(told)));
  }
  if (count <= 0) {
    is_closed_by_program_ = true;
    throw ForeignFault(Kind::kGone, "");
  }
  if (static_cast<std::size_t>(count) > size) {
    throw ForeignFault(Kind::kGone, fmt::format("sent {} bytes, expected at most {}", count, size));
  }
  return static_cast<std::size_t>(count);
}

ForeignSession::ForeignSession(const ProcessEnvironmentOptions& options, const std::string& name,
                               const EnvironmentContext& context, std::uint32_t environments) {
  const Deadline deadline = Deadline::after(options.start_timeout);
  KeptProcess::Options start;
  start.command = options.command;
  for (const auto& [variable, value] : options.variables) start.variables.push_back(variable + "=" + value);
  start.variables.push_back(fmt::format("{}={}", GENKIDAMA_SOCKET_VARIABLE, KeptProcess::kSocket));
  start.variables.push_back(fmt::format("{}={}", GENKIDAMA_MEMORY_VARIABLE, KeptProcess::kMemory));
  start.name = name;
  start.socket = socket_.foreign_end();
  start.memory = memory_.descriptor();
  start.end_timeout = options.end_timeout;
  process_.emplace(start, deadline);
  socket_.close_foreign_end();
  try {
    genkidama_hello_message hello{};
    hello.kind = GENKIDAMA_HELLO;
    std::memcpy(hello.magic, GENKIDAMA_PROTOCOL_MAGIC, sizeof hello.magic);
    hello.oldest_version = hello.newest_version = GENKIDAMA_PROTOCOL_VERSION;
    hello.environments = environments;
    hello.purpose = static_cast<std::uint32_t>(context.purpose);
    hello.worker = context.worker;
    hello.index = context.index;
    socket_.send(&hello, sizeof hello);
    spec_ = receive_spec(options, environments, deadline);
    if (context.purpose != EnvironmentPurpose::kDescribe)
      agree_on_memory(environments, deadline, options.start_timeout);
  } catch (const ForeignFault& fault) {
    const std::string ending = kill();
    std::string text = *fault.what() != '\0' ? fault.what() : ending;
    if (deadline.passed()) {
      text +=
          " at its start: until it can play, what its own code does in reset() included, start_timeout is "
          "the limit";
    }
    throw ForeignFault(fault.kind, text);
  } catch (const ArgumentError& error) {
    kill();
    throw ForeignFault(Kind::kWrong, fmt::format("describes what cannot be: {}", error.what()));
  }
}

ForeignSession::~ForeignSession() {
  // The end of the link is the program's call to end.
  socket_.close();
}

std::string ForeignSession::kill() {
  socket_.close();
  return process_ ? process_->kill(socket_.is_closed_by_program()) : "";
}

std::size_t ForeignSession::receive(void* message, std::size_t size, Milliseconds limit, Milliseconds told) {
  const std::size_t count = socket_.receive(message, size, limit, told);
  genkidama_turn_message head{};
  if (count < sizeof head) {
    throw ForeignFault(Kind::kGone,
                       fmt::format("sent a message of {} bytes, expected at least {}", count, sizeof head));
  }
  std::memcpy(&head, message, sizeof head);
  if (head.kind == GENKIDAMA_FAILURE) {
    const std::string_view text(static_cast<const char*>(message) + sizeof head, count - sizeof head);
    throw ForeignFault(Kind::kRefused, fmt::format("failed: {}", line_of(text)));
  }
  return count;
}

EnvironmentSpec ForeignSession::receive_spec(const ProcessEnvironmentOptions& options,
                                             std::uint32_t environments, Deadline deadline) {
  std::vector<char> message(GENKIDAMA_MAX_MESSAGE);
  const auto left = std::max(std::chrono::ceil<Milliseconds>(deadline.left()), Milliseconds{1});
  const std::size_t count = receive(message.data(), message.size(), left, options.start_timeout);
  genkidama_spec_message head{};
  if (count < sizeof head) throw ForeignFault(Kind::kWrong, "does not speak the environment protocol");
  std::memcpy(&head, message.data(), sizeof head);
  if (head.kind != GENKIDAMA_SPEC) {
    throw ForeignFault(Kind::kWrong,
                       fmt::format("sent a message of kind {} where its spec was expected", head.kind));
  }
  check_head(head, environments);
  MessageReader reader({message.data(), count});
  reader.take(sizeof head);
  EnvironmentSpec spec;
  spec.observation_shape =
      whole_numbers("floats in a dimension", reader.values<std::uint32_t>(head.dimensions));
  spec.action_space.choices = whole_numbers("alternatives", reader.values<std::uint32_t>(head.choices));
  spec.action_space.low = reader.values<float>(head.components);
  spec.action_space.high = reader.values<float>(head.components);
  spec.name = line_of(reader.take(head.name_bytes));
  spec.metrics = metric_names(reader.take(head.metric_bytes), head.metrics);
  spec.masks_actions = (head.flags & GENKIDAMA_MASKS_ACTIONS) != 0;
  if (!reader.at_end()) throw ForeignFault(Kind::kWrong, "sent a spec that is longer than its own sizes say");
  if (!options.name.empty()) spec.name = options.name;
  spec.time_limit = kNoTimeLimit;
  if (head.time_limit > 0) {
    check_at_most("steps in an episode", head.time_limit, std::numeric_limits<int>::max());
    spec.time_limit = static_cast<int>(head.time_limit);
  }
  spec.reward_threshold = head.reward_threshold;
  return completed(spec);
}

void ForeignSession::agree_on_memory(std::uint32_t environments, Deadline deadline, Milliseconds whole) {
  ForeignSizes sizes;
  sizes.environments = environments;
  sizes.observation = static_cast<std::uint64_t>(spec_.observation_size);
  sizes.action = spec_.action_space.width();
  for (const int count : spec_.action_space.choices) {
    if (spec_.masks_actions) sizes.alternatives += static_cast<std::uint64_t>(count);
  }
  sizes.metrics = spec_.metrics.size();
  memory_.allocate(sizes);
  socket_.send(&memory_.layout(), sizeof memory_.layout());
  std::array<char, sizeof(genkidama_turn_message) + GENKIDAMA_MAX_TEXT> message;
  const auto left = std::max(std::chrono::ceil<Milliseconds>(deadline.left()), Milliseconds{1});
  const std::size_t count = receive(message.data(), message.size(), left, whole);
  genkidama_ready_message ready{};
  std::memcpy(&ready, message.data(), std::min(count, sizeof ready));
  if (count != sizeof ready || ready.kind != GENKIDAMA_READY) {
    throw ForeignFault(Kind::kWrong, "sent another message where it was expected to be ready");
  }
  const auto compare = [](const char* what, std::uint64_t given, std::uint64_t expected) {
    if (given == expected) return;
    throw ForeignFault(Kind::kWrong,
                       fmt::format("is ready for {} {}, but its spec says {}", given, what, expected));
  };
  compare("floats in an observation", ready.observation, sizes.observation);
  compare("floats in an action", ready.action, sizes.action);
  compare("alternatives in a mask", ready.alternatives, sizes.alternatives);
  compare("metrics", ready.metrics, sizes.metrics);
}

void ForeignSession::take_turn(Milliseconds limit) {
  const genkidama_turn_message turn{GENKIDAMA_TURN, ++turn_};
  std::array<char, sizeof turn + GENKIDAMA_MAX_TEXT> message;
  socket_.send(&turn, sizeof turn);
  const std::size_t count = receive(message.data(), message.size(), limit, limit);
  genkidama_turn_message done{};
  std::memcpy(&done, message.data(), sizeof done);
  if (count != sizeof done || done.kind != GENKIDAMA_DONE) {
    throw ForeignFault(Kind::kGone,
                       fmt::format("sent a message of kind {} with {} bytes in turn {}, expected one of "
                                   "kind {} with {}",
                                   done.kind, count, turn_, +GENKIDAMA_DONE, sizeof done));
  }
  if (done.turn != turn_) {
    throw ForeignFault(
        Kind::kGone,
        fmt::format("answered turn {} in turn {}; expected one answer to each turn", done.turn, turn_));
  }
}

}  // namespace genkidama
