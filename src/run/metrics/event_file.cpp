#include "run/metrics/event_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <charconv>
#include <fstream>
#include <system_error>

#include "core/message_bytes.h"
#include "core/unix_seconds.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/core/log.h"
#include "run/metrics/event_messages.h"

namespace genkidama::run {
namespace {

constexpr std::string_view kPrefix = "events.out.tfevents.";
// So that nobody else's events in the same directory are touched.
constexpr std::string_view kSuffix = ".genkidama";
constexpr std::size_t kHeaderBytes = 12, kChecksumBytes = 4;
// Ours are far smaller. A longer length has been damaged.
constexpr std::uint64_t kMaxEventBytes = 1U << 24;

// Masked as TFRecord wants it, so that a checksum of data that hold checksums is no trivial one.
std::uint32_t masked_crc32c(std::string_view bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  const std::uint32_t sum = crc.checksum();
  return (sum >> 15 | sum << 17) + 0xA282EAD8U;
}

std::string checksum_text(std::string_view bytes) {
  return little_endian_text(masked_crc32c(bytes));
}

/// The next event; nothing at the end of the file, and where a record is cut off or damaged.
std::optional<std::string> read_event(std::istream& file) {
  std::string header(kHeaderBytes, '\0');
  if (!file.read(header.data(), kHeaderBytes)) return {};
  const std::string_view length_bytes = std::string_view(header).substr(0, 8);
  if (header.substr(8) != checksum_text(length_bytes)) return {};
  const auto length = load<std::uint64_t>(reinterpret_cast<const std::byte*>(header.data()));
  if (length > kMaxEventBytes) return {};
  std::string event(length + kChecksumBytes, '\0');
  if (!file.read(event.data(), static_cast<std::streamsize>(event.size()))) return {};
  const std::string checksum = event.substr(length);
  event.resize(length);
  if (checksum != checksum_text(event)) return {};
  return event;
}

/// Cuts the file off before the first event that is not kept, and before what a kill has left of one.
void cut(const std::filesystem::path& path, std::uint64_t keep_until) {
  std::ifstream file(path, std::ios::binary);
  std::uintmax_t end = 0;
  while (const auto event = read_event(file)) {
    const auto step = step_of_event(*event);
    if (!step || *step > keep_until) break;
    end += kHeaderBytes + event->size() + kChecksumBytes;
  }
  file.close();
  std::error_code error;
  if (std::filesystem::file_size(path, error) != end && !error)
    std::filesystem::resize_file(path, end, error);
  if (error) {
    log(LogLevel::kWarning,
        "{} may hold events after step {}, from which the run goes on, and cannot be cut there: {}",
        path.string(), keep_until, error.message());
  }
}

std::string host_name() {
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  std::string text = name;
  for (char& each : text) {
    const bool fits = (each >= '0' && each <= '9') || (each >= 'a' && each <= 'z') ||
                      (each >= 'A' && each <= 'Z') || each == '-';
    if (!fits) each = '_';
  }
  return text;
}

/// When the file was begun, which its name tells.
std::uint64_t seconds_in_name(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  std::uint64_t seconds = 0;
  std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), seconds);
  return seconds;
}

std::filesystem::path begin_file(const std::filesystem::path& directory,
                                 std::optional<std::uint64_t> keep_until) {
  const double wall = unix_seconds();
  auto seconds = static_cast<std::uint64_t>(wall);
  const auto earlier = event_files(directory);
  if (keep_until) {
    for (const auto& file : earlier) cut(file, *keep_until);
  }
  // Its name is the last one, also when the clock was set back.
  if (!earlier.empty()) seconds = std::max(seconds, seconds_in_name(earlier.back()) + 1);
  const std::filesystem::path path =
      directory / fmt::format("{}{:010}.{}.{}{}", kPrefix, seconds, host_name(), getpid(), kSuffix);
  std::string first = event_record(version_event(wall));
  if (keep_until) first += event_record(restart_event(wall, *keep_until + 1));
  write_file_atomically(path, first);
  return path;
}

}  // namespace

std::string event_record(std::string_view event) {
  const std::string length = little_endian_text(static_cast<std::uint64_t>(event.size()));
  return length + checksum_text(length) + std::string(event) + checksum_text(event);
}

std::vector<std::filesystem::path> event_files(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kPrefix) && name.ends_with(kSuffix)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

EventFile::EventFile(const std::filesystem::path& directory, std::optional<std::uint64_t> keep_until)
    : EventFile(begin_file(directory, keep_until)) {}

EventFile::EventFile(const std::filesystem::path& path)
    : file_(path, static_cast<off_t>(std::filesystem::file_size(path))) {}

}  // namespace genkidama::run
