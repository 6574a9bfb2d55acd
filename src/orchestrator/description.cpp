#include "orchestrator/description.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "env/spec_fields.h"
#include "genkidama/core/error.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "orchestrator/nursery.h"

namespace genkidama {
namespace {

// Both ends are the same program on the same machine, so values travel as they lie in memory.
class Writer {
 public:
  template <typename T>
  void value(const T& v) {
    bytes.append(reinterpret_cast<const char*>(&v), sizeof v);
  }
  void text(const std::string& s) {
    value(s.size());
    bytes += s;
  }
  template <typename T>
  void put(const T& v) {
    value(v);
  }
  void put(const std::string& s) { text(s); }
  template <typename T>
  void put(const std::vector<T>& values) {
    value(values.size());
    for (const T& v : values) value(v);
  }
  std::string bytes;
};

class Reader {
 public:
  explicit Reader(const std::string& bytes) : bytes_(bytes) {}
  void raw(void* to, std::size_t count) {
    if (count > bytes_.size() - at_)
      throw WorkerError("the process that made the network died before it was done");
    std::memcpy(to, bytes_.data() + at_, count);
    at_ += count;
  }
  template <typename T>
  T value() {
    T v;
    raw(&v, sizeof v);
    return v;
  }
  std::string text() {
    const auto length = value<std::size_t>();
    if (length > bytes_.size() - at_)
      throw WorkerError("the process that made the network died before it was done");
    std::string s(length, '\0');
    raw(s.data(), length);
    return s;
  }

  template <typename T>
  void get(T& v) {
    v = value<T>();
  }
  void get(std::string& s) { s = text(); }
  template <typename T>
  void get(std::vector<T>& values) {
    for (auto left = value<std::size_t>(); left > 0; --left) values.push_back(value<T>());
  }

 private:
  const std::string& bytes_;
  std::size_t at_ = 0;
};

enum class Answer : int { kDescription, kError };

std::string pack(const Description& description) {
  Writer out;
  out.value(Answer::kDescription);
  for_each_field(description.environment, [&out](const auto& field) { out.put(field); });
  out.value(description.layout.tensors().size());
  for (const TensorInfo& tensor : description.layout.tensors()) {
    out.text(tensor.name);
    out.value(tensor.shape.size());
    for (const auto dimension : tensor.shape) out.value(dimension);
  }
  out.bytes.append(reinterpret_cast<const char*>(description.weights.data()),
                   description.weights.size() * sizeof(float));
  return std::move(out.bytes);
}

Description unpack(const std::string& bytes) {
  Reader in(bytes);
  if (in.value<Answer>() == Answer::kError) throw WorkerError(in.text());
  Description description;
  for_each_field(description.environment, [&in](auto& field) { in.get(field); });
  std::vector<ParameterLayout::Tensor> tensors(in.value<std::size_t>());
  for (auto& tensor : tensors) {
    tensor.name = in.text();
    tensor.shape.resize(in.value<std::size_t>());
    for (auto& dimension : tensor.shape) dimension = in.value<std::int64_t>();
  }
  description.layout = ParameterLayout(tensors);
  description.weights.resize(description.layout.size());
  in.raw(description.weights.data(), description.weights.size() * sizeof(float));
  return description;
}

std::string describe_or_explain(const WorkerSetup& setup) {
  try {
    return pack(describe_here(setup));
  } catch (const std::exception& error) {
    Writer out;
    out.value(Answer::kError);
    out.text(std::string(error.what()).substr(0, std::strcspn(error.what(), "\n")));
    return std::move(out.bytes);
  }
}

void write_all(int fd, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto written = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // the reader notices that the answer is short
    done += static_cast<std::size_t>(written);
  }
}

std::string read_all(int fd, Deadline deadline, const std::function<bool()>& give_up) {
  constexpr std::int64_t kSlice_ms = 100;
  std::string bytes;
  char buffer[1 << 16];
  while (!deadline.passed()) {
    if (give_up && give_up()) throw StoppedError("stopped before the network was made");
    pollfd waiting{fd, POLLIN, 0};
    const auto left = std::chrono::ceil<Milliseconds>(deadline.left()).count();
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, kSlice_ms)));
    if (ready < 0 && errno != EINTR) break;
    if (ready <= 0) continue;
    const auto count = ::read(fd, buffer, sizeof buffer);
    if (count == 0) return bytes;
    if (count > 0) bytes.append(buffer, static_cast<std::size_t>(count));
  }
  throw WorkerError("making the environment and the network took too long; nothing was trained");
}

}  // namespace

Description describe_here(const WorkerSetup& setup) {
  Description description;
  description.environment = make_checked(setup.environment())->spec();
  const auto algorithm = make_algorithm_of(setup);
  LocalNetwork network = make_local_network(setup, *algorithm, description.environment);
  description.layout = network.layout();
  description.weights.assign(network.weights().begin(), network.weights().end());
  return description;
}

Description describe_in_forked_process(const WorkerSetup& setup, Milliseconds timeout,
                                       const std::function<bool()>& give_up) {
  int ends[2];
  if (::pipe(ends) != 0) throw IoError(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  const pid_t lead = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    const int reason = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    throw IoError(fmt::format("cannot start a process: {}", std::strerror(reason)));
  }
  if (child == 0) {
    ::close(ends[0]);
    live_and_die_with(lead);
    try {
      write_all(ends[1], describe_or_explain(setup));
    } catch (...) {
      // No memory even for the reason: the answer is short. Nothing may unwind into the code of the lead, of
      // which this is a copy.
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  const auto end = [&] {
    ::close(ends[0]);
    ::kill(child, SIGKILL);  // it has answered and ends by itself, or never will
    ::waitpid(child, nullptr, 0);
  };
  std::string bytes;
  try {
    bytes = read_all(ends[0], Deadline::after(timeout), give_up);
  } catch (...) {
    end();
    throw;
  }
  end();
  return unpack(bytes);
}

}  // namespace genkidama
