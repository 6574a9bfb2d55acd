#include "support/parent_process.h"

#include <sched.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "genkidama/core/log.h"
#include "support/flat_network.h"

namespace genkidama::benchmarks {
namespace {

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw std::runtime_error("cannot make a pipe");
  return ends;
}

int run_parent(const ParentSetup& setup, int announce, int stop) {
  if (setup.core >= 0) stay_on_core(setup.core);
  set_log_level(LogLevel::kError);
  ParentOptions options;
  options.listen = {{"127.0.0.1", 0}};
  options.merge_threads = setup.merge_threads;
  if (setup.idle_timeout.count() > 0) options.limits.idle_timeout = setup.idle_timeout;
  if (setup.max_connections > 0) {
    options.limits.max_connections = setup.max_connections;
    options.limits.connection_rate = 0;
  }
  Parent parent(options, flat_layout(setup.parameters), random_floats(setup.parameters, 0.1, 1));
  if (setup.observer) parent.on_update(setup.observer);
  parent.start();
  const std::uint16_t port = parent.ports().at(0);
  if (::write(announce, &port, sizeof port) != sizeof port) return 1;
  char none = 0;
  // Returns when the other end is closed, also when its owner was killed.
  while (::read(stop, &none, 1) > 0) {
  }
  parent.stop();
  return 0;
}

}  // namespace

ParameterLayout flat_layout(std::size_t parameters) {
  return ParameterLayout({{"weights", {static_cast<std::int64_t>(parameters)}}});
}

void stay_on_core(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  if (::sched_setaffinity(0, sizeof cores, &cores) != 0) {
    throw std::runtime_error("cannot stay on core " + std::to_string(core) + "; is there one?");
  }
}

ParentProcess::ParentProcess(const ParentSetup& setup) {
  const auto announce = make_pipe();
  const auto stop = make_pipe();
  process_ = std::make_unique<test::ChildProcess>([&] {
    ::close(announce[0]);
    ::close(stop[1]);
    return run_parent(setup, announce[1], stop[0]);
  });
  ::close(announce[1]);
  ::close(stop[0]);
  stop_ = stop[1];
  const bool listens = ::read(announce[0], &port_, sizeof port_) == sizeof port_;
  ::close(announce[0]);
  if (listens) return;
  ::close(stop_);
  throw std::runtime_error("the Parent's process did not start");
}

ParentProcess::~ParentProcess() {
  ::close(stop_);
  process_->wait();
}

}  // namespace genkidama::benchmarks
