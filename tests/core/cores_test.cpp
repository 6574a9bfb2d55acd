#include "genkidama/core/cores.h"

#include <sched.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "core/cgroup_memory.h"
#include "core/cgroup_quota.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// A made /proc and /sys.
class MachineRoot {
 public:
  void write(const std::string& path, const std::string& text) const {
    const auto file = directory_.path() / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::optional<std::uint64_t> memory_left() const { return cgroup_memory_left(directory_.path().string()); }
  int cores_of(int allowed) const { return cores_within_quota(allowed, directory_.path().string()); }

 private:
  TemporaryDirectory directory_;
};

}  // namespace

TEST_CASE("without control groups the affinity mask counts alone") {
  const MachineRoot root;
  CHECK(root.cores_of(8) == 8);
  root.write("proc/self/cgroup", "0::/user.slice\n");
  CHECK(root.cores_of(8) == 8);
  CHECK(root.cores_of(0) == 1);
}

TEST_CASE("a quota of version 2 limits the cores, rounded down and at least 1") {
  const MachineRoot root;
  root.write("proc/self/cgroup", "0::/jobs/one\n");
  const auto with = [&](const std::string& text) {
    root.write("sys/fs/cgroup/jobs/one/cpu.max", text);
    return root.cores_of(8);
  };
  CHECK(with("max 100000\n") == 8);
  CHECK(with("200000 100000\n") == 2);
  CHECK(with("250000 100000\n") == 2);
  CHECK(with("20000 100000\n") == 1);
  CHECK(with("1600000 100000\n") == 8);
  CHECK(with("") == 8);
  CHECK(with("nonsense") == 8);
}

TEST_CASE("the smallest quota of a group and its parents counts") {
  const MachineRoot root;
  root.write("proc/self/cgroup", "0::/a/b/c\n");
  root.write("sys/fs/cgroup/a/b/c/cpu.max", "500000 100000\n");
  root.write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  root.write("sys/fs/cgroup/a/cpu.max", "300000 100000\n");
  CHECK(root.cores_of(8) == 3);
  CHECK(root.cores_of(2) == 2);
}

TEST_CASE("a container's own mount is read where its group's path is the host's") {
  const MachineRoot root;
  root.write("proc/self/cgroup", "0::/docker/1234\n");
  root.write("sys/fs/cgroup/cpu.max", "150000 50000\n");
  CHECK(root.cores_of(8) == 3);
  root.write("proc/self/cgroup", "0::/../other\n");
  CHECK(root.cores_of(8) == 3);
}

TEST_CASE("a quota of version 1 limits the cores, alone and beside version 2") {
  const MachineRoot root;
  root.write("proc/self/cgroup", "5:memory:/job\n4:cpu,cpuacct:/job\n0::/job\n");
  root.write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "400000\n");
  root.write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  CHECK(root.cores_of(8) == 4);
  root.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  root.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  CHECK(root.cores_of(8) == 4);
  root.write("sys/fs/cgroup/unified/job/cpu.max", "200000 100000\n");
  CHECK(root.cores_of(8) == 2);
}

TEST_CASE("the affinity mask limits the usable cores") {
  const int before = usable_cores();
  REQUIRE(before >= 1);
  cpu_set_t mask;
  REQUIRE(::sched_getaffinity(0, sizeof mask, &mask) == 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &mask)) continue;
    CPU_SET(core, &one);
    break;
  }
  REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
  const int with_one = usable_cores();
  REQUIRE(::sched_setaffinity(0, sizeof mask, &mask) == 0);
  CHECK(with_one == 1);
  CHECK(usable_cores() == before);
}

TEST_CASE("what control groups leave of memory is the least of a group and its parents") {
  const MachineRoot root;
  CHECK_FALSE(root.memory_left());
  root.write("proc/self/cgroup", "0::/a/b\n");
  root.write("sys/fs/cgroup/a/b/memory.max", "max\n");
  root.write("sys/fs/cgroup/a/b/memory.current", "500\n");
  CHECK_FALSE(root.memory_left());
  root.write("sys/fs/cgroup/a/memory.max", "1000\n");
  root.write("sys/fs/cgroup/a/memory.current", "700\n");
  CHECK(root.memory_left() == 300);
  // What is kept of files is given up when memory is asked for.
  root.write("sys/fs/cgroup/a/memory.stat", "anon 100\nfile 600\ninactive_file 150\nactive_file 50\n");
  CHECK(root.memory_left() == 500);
  root.write("sys/fs/cgroup/a/b/memory.max", "510\n");
  CHECK(root.memory_left() == 10);
  root.write("sys/fs/cgroup/a/b/memory.current", "600\n");
  CHECK(root.memory_left() == 0);
}

TEST_CASE("a memory limit of version 1 counts") {
  const MachineRoot root;
  root.write("proc/self/cgroup", "5:memory:/job\n4:cpu,cpuacct:/job\n");
  root.write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "4000\n");
  root.write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "1500\n");
  root.write("sys/fs/cgroup/memory/job/memory.stat", "total_inactive_file 200\ntotal_active_file 300\n");
  CHECK(root.memory_left() == 3000);
}
