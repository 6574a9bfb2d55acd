#include "run/page/agent_slots.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "genkidama/core/error.h"

namespace genkidama::run {
namespace {

constexpr std::size_t kMetadataBytes = 1 << 20;
constexpr std::size_t kPictureBytes = 1 << 18;

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "a lock would be private to each process");

/// Each text with its length before it.
void append(std::string& bytes, const std::string& text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  bytes.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
}

std::string next_text(std::string_view& bytes) {
  std::uint32_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof size);
  std::string text(bytes.substr(sizeof size, size));
  bytes.remove_prefix(sizeof size + text.size());
  return text;
}

}  // namespace

AgentSlots::AgentSlots(ParameterLayout layout)
    : layout_(std::move(layout)),
      memory_(sizeof(Control), "the watched agent"),
      weights_(layout_.size(), "the watched agent's weights"),
      metadata_(kMetadataBytes, "the watched agent's metadata"),
      picture_(kPictureBytes, "the watched agent's picture") {
  auto* const control = new (memory_.data()) Control;
  if (::sem_init(&control->wake, /*pshared=*/1, 0) != 0)
    throw IoError(fmt::format("cannot make a semaphore for the watched agent: {}", std::strerror(errno)));
}

// Nobody destroys the semaphore: the other process may wait for it. It owns nothing but its memory.
AgentSlots::~AgentSlots() = default;

bool AgentSlots::give(const Checkpoint& policy) {
  Control& shared = control();
  if (policy.weights.size() != weights_.size()) return false;
  std::string metadata;
  for (const auto& [key, value] : policy.metadata) {
    append(metadata, key);
    append(metadata, value);
  }
  if (metadata.size() > metadata_.size()) return false;
  std::copy(metadata.begin(), metadata.end(), metadata_.data());
  std::copy(policy.weights.begin(), policy.weights.end(), weights_.data());
  shared.metadata_bytes = metadata.size();
  ++shared.given;
  ::sem_post(&shared.wake);
  return true;
}

std::optional<Checkpoint> AgentSlots::take() {
  Control& shared = control();
  if (shared.given == shared.taken) return {};
  Checkpoint policy;
  policy.layout = layout_;
  policy.weights.assign(weights_.span().begin(), weights_.span().end());
  std::string_view bytes(metadata_.data(), shared.metadata_bytes);
  while (!bytes.empty()) {
    std::string key = next_text(bytes);
    policy.metadata[std::move(key)] = next_text(bytes);
  }
  ++shared.taken;
  return policy;
}

bool AgentSlots::draw(std::string_view picture) {
  Control& shared = control();
  if (picture.size() > picture_.size()) return false;
  std::copy(picture.begin(), picture.end(), picture_.data());
  shared.picture_bytes = picture.size();
  ++shared.drawn;
  return true;
}

std::optional<std::string> AgentSlots::see() {
  Control& shared = control();
  if (shared.drawn == shared.seen) return {};
  // The other process may have been killed, but not in a way that makes this number a lie.
  std::string picture(picture_.data(), std::min<std::size_t>(shared.picture_bytes, picture_.size()));
  ++shared.seen;
  return picture;
}

void AgentSlots::set_watched(bool watched) {
  control().watched = watched ? 1 : 0;
  if (watched) ::sem_post(&control().wake);
}

void AgentSlots::wait(double seconds) {
  timespec until{};
  ::clock_gettime(CLOCK_REALTIME, &until);
  const auto whole = static_cast<time_t>(seconds);
  until.tv_sec += whole;
  until.tv_nsec += static_cast<long>((seconds - static_cast<double>(whole)) * 1e9);
  if (until.tv_nsec >= 1'000'000'000) {
    until.tv_nsec -= 1'000'000'000;
    ++until.tv_sec;
  }
  ::sem_timedwait(&control().wake, &until);
}

}  // namespace genkidama::run
