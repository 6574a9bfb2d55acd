#include "genkidama/core/atomic_file.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <string>

#include "genkidama/core/error.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/temporary_directory.h"

using namespace genkidama;

namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a file is created and then replaced, and nothing else is left in its directory") {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "config.json", "a long first text");
  REQUIRE(content(directory / "config.json") == "a long first text");
  write_file_atomically(directory / "config.json", "short");
  REQUIRE(content(directory / "config.json") == "short");
  write_file_atomically(directory / "empty", "");
  REQUIRE(content(directory / "empty").empty());
  REQUIRE(directory.entries() == 2);
}

TEST_CASE("parts are written one after the other") {
  const TemporaryDirectory directory;
  const std::string a = "one", b(100000, 'x');
  const std::array parts{std::as_bytes(std::span(a)), std::span<const std::byte>(),
                         std::as_bytes(std::span(b))};
  write_file_atomically(directory / "file", parts);
  REQUIRE(content(directory / "file") == a + b);
}

TEST_CASE("a written file is readable by others as far as the umask allows") {
  const TemporaryDirectory directory;
  const mode_t old = ::umask(022);
  write_file_atomically(directory / "open", "x");
  ::umask(077);
  write_file_atomically(directory / "private", "x");
  ::umask(old);
  struct stat status {};
  REQUIRE(::stat((directory / "open").c_str(), &status) == 0);
  REQUIRE((status.st_mode & 0777) == 0644);
  REQUIRE(::stat((directory / "private").c_str(), &status) == 0);
  REQUIRE((status.st_mode & 0777) == 0600);
}

TEST_CASE("a relative path without a directory is written in the current one") {
  const TemporaryDirectory directory;
  ChildProcess child([&] {
    if (::chdir(directory.path().c_str()) != 0) return 1;
    write_file_atomically("file", "here");
    return 0;
  });
  REQUIRE(child.wait() == "exit 0");
  REQUIRE(content(directory / "file") == "here");
}

TEST_CASE("a file that cannot be written is an error that names it and leaves nothing") {
  const TemporaryDirectory directory;
  REQUIRE_THROWS_WITH(write_file_atomically(directory / "missing/file", "x"),
                      Catch::Matchers::Contains("missing/file") && Catch::Matchers::Contains("No such file"));
  REQUIRE_THROWS_AS(write_file_atomically(directory.path() / "", "x"), IoError);
  REQUIRE_THROWS_AS(write_file_atomically("", "x"), IoError);
  std::filesystem::create_directory(directory / "taken");
  REQUIRE_THROWS_AS(write_file_atomically(directory / "taken", "x"), IoError);
  REQUIRE(std::filesystem::is_directory(directory / "taken"));
  REQUIRE(directory.entries() == 1);
}

TEST_CASE("a disk that fills up keeps the old file and leaves no temporary one") {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "file", "old");
  ChildProcess child([&] {
    // The kernel then refuses longer files as it refuses them on a full disk.
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    try {
      write_file_atomically(directory / "file", std::string(100000, 'x'));
    } catch (const IoError&) {
      return 0;
    }
    return 2;
  });
  REQUIRE(child.wait() == "exit 0");
  REQUIRE(content(directory / "file") == "old");
  REQUIRE(directory.entries() == 1);
}

TEST_CASE("a symbolic link is replaced and what it names is left alone") {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "target", "target");
  std::filesystem::create_symlink("target", directory / "link");
  write_file_atomically(directory / "link", "new");
  REQUIRE(content(directory / "target") == "target");
  REQUIRE(content(directory / "link") == "new");
}
