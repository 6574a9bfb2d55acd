#include "orchestrator/description.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>

#include "core/output_streams.h"
#include "core/thread_count.h"
#include "env/spec_fields.h"
#include "genkidama/core/error.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "orchestrator/fork_rule.h"
#include "orchestrator/forked_process.h"

namespace genkidama {
namespace {

// Both ends are the same program on the same machine, so values travel as they lie in memory.
class Writer {
 public:
  template <typename T>
  void value(const T& v) {
    bytes.append(reinterpret_cast<const char*>(&v), sizeof v);
  }
  void value(const std::string& s) {
    value(s.size());
    bytes += s;
  }
  template <typename T>
  void value(const std::vector<T>& values) {
    value(values.size());
    for (const T& v : values) value(v);
  }
  std::string bytes;
};

/// The bytes ended before the value: the process that wrote them did not finish.
struct CutOff {};

class Reader {
 public:
  explicit Reader(const std::string& bytes) : bytes_(bytes) {}
  void raw(void* to, std::size_t count) {
    if (count > bytes_.size() - at_) throw CutOff();
    std::memcpy(to, bytes_.data() + at_, count);
    at_ += count;
  }
  template <typename T>
  void value(T& v) {
    raw(&v, sizeof v);
  }
  void value(std::string& s) {
    const auto length = take<std::size_t>();
    if (length > bytes_.size() - at_) throw CutOff();
    s.resize(length);
    raw(s.data(), length);
  }
  template <typename T>
  T take() {
    T v{};
    value(v);
    return v;
  }

  template <typename T>
  void value(std::vector<T>& values) {
    for (auto left = take<std::size_t>(); left > 0; --left) values.push_back(take<T>());
  }

 private:
  const std::string& bytes_;
  std::size_t at_ = 0;
};

/// Calls `with` with each field of a NetworkSpec.
template <typename Sizes, typename With>
void for_each_size(Sizes& sizes, const With& with) {
  auto& [observation, policy, values, free, free_start, free_name, critics, critic_actions, noisy,
         noisy_deviation] = sizes;
  with(observation);
  with(policy);
  with(values);
  with(free);
  with(free_start);
  with(free_name);
  with(critics);
  with(critic_actions);
  with(noisy);
  with(noisy_deviation);
}

// The process sends what it does next before it does it, and at last a description or an error.
enum class Part : int { kStage, kDescription, kError, kArgumentError };

std::string pack(const Description& description) {
  Writer out;
  out.value(Part::kDescription);
  for_each_field(description.environment, [&out](const auto& field) { out.value(field); });
  for_each_size(description.sizes, [&out](const auto& size) { out.value(size); });
  out.value(description.network);
  out.value(description.behaviour);
  out.value(description.state_size);
  out.value(description.layout.tensors().size());
  for (const TensorInfo& tensor : description.layout.tensors()) {
    out.value(tensor.name);
    out.value(tensor.shape.size());
    for (const auto dimension : tensor.shape) out.value(dimension);
  }
  out.bytes.append(reinterpret_cast<const char*>(description.weights.data()),
                   description.weights.size() * sizeof(float));
  return std::move(out.bytes);
}

Description unpack_description(Reader& in) {
  Description description;
  for_each_field(description.environment, [&in](auto& field) { in.value(field); });
  for_each_size(description.sizes, [&in](auto& size) { in.value(size); });
  in.value(description.network);
  in.value(description.behaviour);
  in.value(description.state_size);
  std::vector<ParameterLayout::Tensor> tensors(in.take<std::size_t>());
  for (auto& tensor : tensors) {
    in.value(tensor.name);
    tensor.shape.resize(in.take<std::size_t>());
    for (auto& dimension : tensor.shape) in.value(dimension);
  }
  description.layout = ParameterLayout(tensors);
  description.weights.resize(description.layout.size());
  in.raw(description.weights.data(), description.weights.size() * sizeof(float));
  return description;
}

/// What the process sent, and in `stage` what it did last. Throws WorkerError or ArgumentError with the text
/// of an error that it sent, and CutOff.
Description unpack(const std::string& bytes, std::string& stage) {
  Reader in(bytes);
  while (true) {
    const auto part = in.take<Part>();
    if (part == Part::kDescription) return unpack_description(in);
    const auto text = in.take<std::string>();
    if (part == Part::kError) throw WorkerError(text);
    if (part == Part::kArgumentError) throw ArgumentError(text);
    stage = text;
  }
}

std::string first_line(const char* text) {
  return {text, std::strcspn(text, "\n")};
}

std::unique_ptr<Environment> make_environment(const WorkerSetup& setup) {
  try {
    return setup.environment({0, 0, EnvironmentPurpose::kDescribe});
  } catch (const Error&) {
    throw;  // it says what it is about
  } catch (const std::exception& error) {
    throw WorkerError(fmt::format("the environment's factory or constructor threw an exception: {}",
                                  first_line(error.what())));
  }
}

using Tell = std::function<void(const std::string& stage)>;

/// What the algorithm makes for the environment. That it does not fit is told with the environment's name.
void describe_policy(const WorkerSetup& setup, Description& description) {
  const std::string& name = description.environment.name;
  try {
    const auto algorithm = make_algorithm_of(setup);
    LocalNetwork network = make_local_network(setup, *algorithm, description.environment, "cpu");
    algorithm->check_network(network);
    description.sizes = network.spec();
    description.network = network.description();
    // Null: the workers say so.
    if (const auto behaviour = algorithm->make_behaviour(description.environment))
      description.behaviour = behaviour->description();
    description.state_size = network.state_size();
    description.layout = network.layout();
    description.weights.assign(network.weights().begin(), network.weights().end());
  } catch (const ArgumentError& error) {
    if (std::strstr(error.what(), "environment '") != nullptr) throw;
    throw ArgumentError(fmt::format("environment '{}': {}", name, error.what()));
  }
}

/// Not in the words of an environment that does not fit: it has nothing to do with it.
void check_device(const WorkerSetup& setup, const EnvironmentSpec& environment) {
  if (setup.device == "cpu") return;
  make_local_network(setup, *make_algorithm_of(setup), environment, setup.device);
}

Description describe(const WorkerSetup& setup, const Tell& tell) {
  Description description;
  if (setup.spec) {
    description.environment = completed(*setup.spec);
  } else {
    tell("the environment was being made (in its factory or constructor)");
    const auto environment = make_checked(make_environment(setup));
    description.environment = environment->spec();
    tell(fmt::format("environment '{}' was being destroyed", description.environment.name));
  }
  tell(fmt::format("the network for environment '{}' was being made", description.environment.name));
  describe_policy(setup, description);
  check_device(setup, description.environment);
  return description;
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

/// Runs in the forked process.
void describe_into(int fd, const WorkerSetup& setup) {
  const auto send = [fd](Part part, const std::string& text) {
    Writer out;
    out.value(part);
    out.value(text);
    write_all(fd, out.bytes);
  };
  try {
    write_all(fd, pack(describe(setup, [&](const std::string& stage) { send(Part::kStage, stage); })));
  } catch (const ArgumentError& error) {
    send(Part::kArgumentError, first_line(error.what()));
  } catch (const std::exception& error) {
    send(Part::kError, first_line(error.what()));
  } catch (...) {
    send(Part::kError, "something was thrown that is no std::exception");
  }
}

std::string read_all(int fd, const DescriptionLimits& limits, const std::string& late) {
  constexpr std::int64_t kSlice_ms = 100;
  const Deadline deadline = Deadline::after(limits.timeout);
  std::string bytes;
  char buffer[1 << 16];
  while (!deadline.passed()) {
    if (limits.give_up && limits.give_up()) throw StoppedError("stopped before the network was made");
    pollfd waiting{fd, POLLIN, 0};
    const auto left = std::chrono::ceil<Milliseconds>(deadline.left()).count();
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, kSlice_ms)));
    if (ready < 0 && errno != EINTR) break;
    if (ready <= 0) continue;
    const auto count = ::read(fd, buffer, sizeof buffer);
    if (count == 0) return bytes;
    if (count > 0) bytes.append(buffer, static_cast<std::size_t>(count));
  }
  throw WorkerError(late);
}

}  // namespace

Description describe_here(const WorkerSetup& setup) {
  return describe(setup, [](const std::string&) {});
}

Description describe_in_forked_process(const WorkerSetup& setup, const DescriptionLimits& limits) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw IoError(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  const int threads = thread_count();
  const pid_t lead = ::getpid();
  flush_output_streams();
  const pid_t child = ::fork();
  if (child < 0) {
    const int reason = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    throw IoError(fmt::format("cannot start a process: {}", std::strerror(reason)));
  }
  if (child == 0) {
    ::close(ends[0]);
    // Whatever the thread that forked is, it waits for this process below.
    end_with_parent(lead, /*forked_by_main_thread=*/true);
    try {
      describe_into(ends[1], setup);
    } catch (...) {
      // No memory even for the reason: the answer is short. Nothing may unwind into the code of the lead, of
      // which this is a copy.
    }
    flush_output_streams();
    ::_exit(0);
  }
  ::close(ends[1]);
  std::optional<int> status;
  const auto end = [&] {
    ::close(ends[0]);
    ::kill(child, SIGKILL);  // it has answered and ends by itself, or never will
    int found = 0;
    if (::waitpid(child, &found, 0) == child) status = found;
  };
  std::string bytes;
  try {
    bytes =
        read_all(ends[0], limits,
                 late_construction("the environment and the network were not made", limits.timeout, threads));
  } catch (...) {
    end();
    throw;
  }
  end();
  std::string stage = "it was being started";
  try {
    return unpack(bytes, stage);
  } catch (const CutOff&) {
    throw WorkerError(fmt::format(
        "the process that makes the first environment and network {} while {}; nothing was trained",
        status ? ending_of(*status).text : "ended", stage));
  }
}

}  // namespace genkidama
