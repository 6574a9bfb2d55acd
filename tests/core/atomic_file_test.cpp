#include "genkidama/core/atomic_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <string>

#include "core/failing_calls.h"
#include "genkidama/core/error.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_keeping(const TemporaryDirectory& directory, const std::string& text) {
  const std::array parts{std::as_bytes(std::span(text))};
  write_file_keeping_previous(directory / "file", directory / "previous", parts);
}

// Files of this directory that write_file_...() has left behind.
std::size_t leftovers(const TemporaryDirectory& directory) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    count += entry.path().extension() == ".tmp";
  }
  return count;
}

constexpr std::array kErrors = {ENOSPC, EIO, EDQUOT, EROFS, EPERM};

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
  const mode_t old = ::umask(002);
  write_file_atomically(directory / "shared", "x");
  ::umask(022);
  write_file_atomically(directory / "open", "x");
  ::umask(077);
  write_file_atomically(directory / "private", "x");
  ::umask(old);
  struct stat status {};
  REQUIRE(::stat((directory / "shared").c_str(), &status) == 0);
  REQUIRE((status.st_mode & 0777) == 0664);
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
                      Catch::Contains("missing/file") && Catch::Contains("No such file"));
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

TEST_CASE("a symbolic link is followed and what it names is replaced") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "data");
  std::filesystem::create_directory(directory / "links");
  write_file_atomically(directory / "data" / "target", "target");
  std::filesystem::create_symlink("../data/target", directory / "links" / "first");
  std::filesystem::create_symlink("first", directory / "links" / "second");
  write_file_atomically(directory / "links" / "second", "new");
  CHECK(content(directory / "data" / "target") == "new");
  CHECK(std::filesystem::is_symlink(directory / "links" / "first"));
  CHECK(std::filesystem::is_symlink(directory / "links" / "second"));

  SECTION("also one that names nothing yet") {
    std::filesystem::create_symlink("../data/later", directory / "links" / "dangling");
    write_file_atomically(directory / "links" / "dangling", "made");
    CHECK(content(directory / "data" / "later") == "made");
    CHECK(std::filesystem::is_symlink(directory / "links" / "dangling"));
  }
  SECTION("also over several links, the last of which names nothing yet by its whole path") {
    std::filesystem::create_symlink(directory / "data" / "later", directory / "links" / "dangling");
    std::filesystem::create_symlink("dangling", directory / "links" / "to_dangling");
    write_file_atomically(directory / "links" / "to_dangling", "made");
    CHECK(content(directory / "data" / "later") == "made");
    CHECK_FALSE(std::filesystem::is_symlink(directory / "data" / "later"));
    write_file_atomically(directory / "links" / "to_dangling", "made again");
    CHECK(content(directory / "data" / "later") == "made again");
    CHECK(std::filesystem::read_symlink(directory / "links" / "to_dangling") == "dangling");
  }
  SECTION("also one that names nothing yet where the file before is to be kept") {
    std::filesystem::create_symlink("../data/later", directory / "links" / "dangling");
    const auto write = [&](std::string_view text) {
      const std::array parts{std::as_bytes(std::span(text))};
      write_file_keeping_previous(directory / "links" / "dangling", directory / "links" / "before", parts);
    };
    write("made");
    CHECK(content(directory / "data" / "later") == "made");
    CHECK_FALSE(std::filesystem::exists(directory / "links" / "before"));
    write("made again");
    CHECK(content(directory / "data" / "later") == "made again");
    CHECK(content(directory / "links" / "before") == "made");
    CHECK(std::filesystem::is_symlink(directory / "links" / "dangling"));
  }
  SECTION("but not to a directory that does not exist, which the error names") {
    std::filesystem::create_symlink("../nowhere/later", directory / "links" / "dangling");
    REQUIRE_THROWS_WITH(write_file_atomically(directory / "links" / "dangling", "x"),
                        Catch::Contains("nowhere/later") && Catch::Contains("No such file or directory"));
    CHECK(std::filesystem::read_symlink(directory / "links" / "dangling") == "../nowhere/later");
    CHECK_FALSE(std::filesystem::exists(directory / "nowhere"));
    CHECK(directory.entries() == 2);
  }
  SECTION("but not in a circle, nor to a directory") {
    std::filesystem::create_symlink("round", directory / "links" / "about");
    std::filesystem::create_symlink("about", directory / "links" / "round");
    REQUIRE_THROWS_AS(write_file_atomically(directory / "links" / "round", "x"), IoError);
    std::filesystem::create_symlink("../data", directory / "links" / "directory");
    REQUIRE_THROWS_AS(write_file_atomically(directory / "links" / "directory", "x"), IoError);
    CHECK(std::filesystem::is_symlink(directory / "links" / "directory"));
  }
  SECTION("and the file before is kept where it is asked for") {
    const std::array parts{std::as_bytes(std::span<const char>("newer", 5))};
    write_file_keeping_previous(directory / "links" / "second", directory / "links" / "previous", parts);
    CHECK(content(directory / "data" / "target") == "newer");
    CHECK(content(directory / "links" / "previous") == "new");
    CHECK(std::filesystem::is_symlink(directory / "links" / "second"));
  }
}

TEST_CASE("what is no regular file is written, not replaced", "[forks]") {
  const TemporaryDirectory directory;
  SECTION("a FIFO") {
    REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
    ChildProcess reader([&] { return content(directory / "fifo") == "for the reader" ? 0 : 1; });
    write_file_atomically(directory / "fifo", "for the reader");
    CHECK(reader.wait() == "exit 0");
    CHECK(std::filesystem::is_fifo(directory / "fifo"));
  }
  SECTION("a device, here behind a link because nodes need root") {
    std::filesystem::create_symlink("/dev/null", directory / "null");
    write_file_atomically(directory / "null", "gone");
    CHECK(std::filesystem::is_symlink(directory / "null"));
    CHECK(std::filesystem::is_character_file("/dev/null"));
    REQUIRE_THROWS_WITH(write_file_atomically("/dev/full", "x"),
                        Catch::Contains("/dev/full") && Catch::Contains("No space left"));
    CHECK(std::filesystem::is_character_file("/dev/full"));
  }
  SECTION("a socket, which cannot be written like this") {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = (directory / "socket").string();
    REQUIRE(name.size() < sizeof address.sun_path);
    name.copy(address.sun_path, name.size());
    REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE_THROWS_WITH(write_file_atomically(name, "x"), Catch::Contains("no regular file"));
    CHECK(std::filesystem::is_socket(name));
    ::close(socket);
  }
  SECTION("a descriptor of this process, also one of a file that has other text in it") {
    for (const char* path : {"/dev/stdout", "/proc/self/fd/1"}) {
      CAPTURE(path);
      ChildProcess child([&] {
        const int file = ::open((directory / "output").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (::dup2(file, 1) != 1 || ::write(1, "before ", 7) != 7) return 1;
        write_file_atomically(path, "between");
        return ::write(1, " after", 6) == 6 ? 0 : 1;
      });
      CHECK(child.wait() == "exit 0");
      CHECK(content(directory / "output") == "before between after");
    }
  }
  CHECK(leftovers(directory) == 0);
}

TEST_CASE("a file that is replaced keeps its permissions, its group and, for root, its owner") {
  const TemporaryDirectory directory;
  const auto status_of = [&] {
    struct stat status {};
    REQUIRE(::stat((directory / "file").c_str(), &status) == 0);
    return status;
  };
  write_file_atomically(directory / "file", "first");
  for (const mode_t mode : {0600, 0640, 0664, 0755, 0444}) {
    CAPTURE(mode);
    REQUIRE(::chmod((directory / "file").c_str(), mode) == 0);
    write_file_atomically(directory / "file", "next");
    CHECK((status_of().st_mode & 07777) == mode);
  }
  if (::geteuid() != 0) return;
  REQUIRE(::chown((directory / "file").c_str(), 12, 34) == 0);
  write_file_atomically(directory / "file", "by root");
  CHECK(status_of().st_uid == 12);
  CHECK(status_of().st_gid == 34);
  CHECK((status_of().st_mode & 07777) == 0444);
}

TEST_CASE("the file before is kept under its other name") {
  const TemporaryDirectory directory;
  write_keeping(directory, "first");
  CHECK(content(directory / "file") == "first");
  CHECK(directory.entries() == 1);
  write_keeping(directory, "second");
  CHECK(content(directory / "previous") == "first");
  write_keeping(directory, "third");
  CHECK(content(directory / "file") == "third");
  CHECK(content(directory / "previous") == "second");
  CHECK(directory.entries() == 2);

  SECTION("also when a kill left one file with both names") {
    std::filesystem::remove(directory / "previous");
    std::filesystem::create_hard_link(directory / "file", directory / "previous");
    write_keeping(directory, "fourth");
    CHECK(content(directory / "file") == "fourth");
    CHECK(content(directory / "previous") == "third");
    CHECK(directory.entries() == 2);
  }
  SECTION("also where there are no hard links, whatever the refusal is called") {
    static int refusal = 0;
    refusal = GENERATE(EPERM, EACCES, EINVAL, ELOOP, ENOTSUP, ENOSYS, EXDEV, EMLINK, EIO);
    CAPTURE(refusal);
    const auto kept = file_calls();
    file_calls().link = [](const char*, const char*) {
      errno = refusal;
      return -1;
    };
    write_keeping(directory, "fourth");
    file_calls() = kept;
    CHECK(content(directory / "file") == "fourth");
    CHECK(content(directory / "previous") == "third");
    CHECK(directory.entries() == 2);
  }
}

TEST_CASE("whichever call fails, and with whatever error, no file that was there is lost") {
  const std::string text(1000, 'n');
  int calls = 0;
  {
    const TemporaryDirectory directory;
    write_keeping(directory, "old");
    const FailingCalls counted(0, 0);
    write_keeping(directory, text);
    calls = counted.calls();
  }
  REQUIRE(calls > 10);
  for (const int error : kErrors) {
    for (int at = 1; at <= calls; ++at) {
      CAPTURE(error, at);
      const TemporaryDirectory directory;
      write_keeping(directory, "older");
      write_keeping(directory, "old");
      bool failed = false;
      {
        const FailingCalls failing(at, error);
        try {
          write_keeping(directory, text);
        } catch (const IoError&) {
          failed = true;
        }
      }
      const std::string now = content(directory / "file");
      const std::string before = content(directory / "previous");
      // A directory that cannot be opened or closed is passed over; the file is there all the same.
      if (!failed) REQUIRE(now == text);
      REQUIRE((now == text || now == "old"));
      REQUIRE(before == (now == text ? "old" : before));
      REQUIRE((before == "old" || before == "older"));
      REQUIRE(directory.entries() == 2);
      write_keeping(directory, "room again");
      REQUIRE(content(directory / "file") == "room again");
      REQUIRE(content(directory / "previous") == now);
    }
  }
}

TEST_CASE("a process that is killed at any call leaves the old file or the new one, whole", "[forks]") {
  const std::string text(300, 'n');
  for (int at = 1; at <= 20; ++at) {
    CAPTURE(at);
    const TemporaryDirectory directory;
    write_keeping(directory, "old");
    ChildProcess child([&] {
      const FailingCalls killed(at, FailingCalls::kDie);
      write_keeping(directory, text);
      return 0;
    });
    REQUIRE(child.wait() == "exit 0");
    const std::string now = content(directory / "file");
    REQUIRE((now == text || now == "old"));
    remove_leftovers(directory.path());
    REQUIRE(leftovers(directory) == 0);
    REQUIRE(content(directory / "file") == now);
  }
}

TEST_CASE("leftovers are removed and nothing else") {
  const TemporaryDirectory directory;
  for (const char* name : {".genkidama-12-3.tmp", "notes.tmp", ".genkidama-keep", "state"}) {
    write_file_atomically(directory / name, "x");
  }
  remove_leftovers(directory.path());
  CHECK(directory.entries() == 3);
  CHECK_FALSE(std::filesystem::exists(directory / ".genkidama-12-3.tmp"));
  remove_leftovers(directory / "missing");
}
