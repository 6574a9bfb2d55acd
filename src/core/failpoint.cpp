#include "core/failpoint.h"

#ifdef GENKIDAMA_FAILPOINTS

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

struct Plan {
  std::string name, action;
  long count = 1;
};

Plan read_plan() {
  const char* text = std::getenv("GENKIDAMA_FAILPOINT");
  if (text == nullptr) return {};
  const std::string all = text;
  const auto first = all.find(':');
  if (first == std::string::npos) return {};
  const auto second = all.find(':', first + 1);
  Plan plan{all.substr(0, first), all.substr(first + 1, second - first - 1), 1};
  if (second != std::string::npos) plan.count = std::strtol(all.c_str() + second + 1, nullptr, 10);
  return plan;
}

bool is_first_of_all() {
  const char* path = std::getenv("GENKIDAMA_FAILPOINT_ONCE");
  if (path == nullptr) return true;
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  ::close(fd);
  return true;
}

}  // namespace

void reach_failpoint(const char* name) {
  static const Plan plan = read_plan();
  if (plan.name != name) return;
  static std::atomic<long> reached{0};
  if (reached.fetch_add(1) + 1 != plan.count || !is_first_of_all()) return;
  if (plan.action == "kill") ::kill(::getpid(), SIGKILL);
  if (plan.action == "stop") ::kill(::getpid(), SIGSTOP);
  if (plan.action == "error") throw IoError("failpoint " + plan.name);
}

}  // namespace genkidama

#endif
