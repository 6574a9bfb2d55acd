#include "net/environments/environment_slots.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <new>

#include "core/failpoint.h"
#include "genkidama/core/error.h"
#include "ipc/shared_semaphore.h"

namespace genkidama {
namespace {

constexpr Milliseconds kSlice{100};
constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kBits = 64;

enum Ending : std::uint32_t { kGoesOn = 0, kTerminated = 1, kTruncated = 2, kLost = 3 };

std::size_t rounded(std::size_t bytes) {
  return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
}

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "a lock would be private to each process");

}  // namespace

struct EnvironmentSlots::Shared {
  alignas(kCacheLine) std::atomic<std::uint32_t> sleeping{0};  ///< the lead wants to be rung for
  std::atomic<std::uint32_t> closed{0};
};

struct EnvironmentSlots::Slot {
  // The worker's.
  alignas(kCacheLine) std::atomic<std::uint64_t> begun{0};
  std::atomic<std::uint64_t> asked{0};
  std::atomic<std::uint64_t> seed{0};
  std::atomic<std::uint32_t> is_reset{0};
  // The lead's.
  alignas(kCacheLine) std::atomic<std::uint64_t> answered{0};
  std::uint32_t ending = kGoesOn;
  float reward = 0;
  sem_t wake;
};

EnvironmentSlots::EnvironmentSlots(std::size_t slots, const EnvironmentSizes& sizes)
    : slots_(slots), sizes_(sizes), owner_(::getpid()) {
  // What two processes write lies on cache lines of their own.
  stride_ = sizeof(Slot) + rounded(sizes.action * sizeof(float)) +
            rounded((sizes.observation + sizes.metrics) * sizeof(float) + sizes.mask);
  const std::size_t ready = rounded((slots + kBits - 1) / kBits * sizeof(std::uint64_t));
  const char* const purpose = "the environments of hosts";
  memory_ =
      SharedMapping(sizeof(Shared) + ready + SharedMapping::checked_bytes(slots, stride_, purpose), purpose);
  shared_ = new (memory_.data()) Shared;
  for (std::size_t i = 0; i * kBits < slots; ++i) new (ready_words() + i) std::atomic<std::uint64_t>(0);
  bell_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (bell_ < 0) throw IoError(fmt::format("cannot make an eventfd: {}", std::strerror(errno)));
  for (std::size_t i = 0; i < slots; ++i) make_semaphore((new (&at(i)) Slot)->wake);
}

EnvironmentSlots::~EnvironmentSlots() {
  ::close(bell_);
  // In a forked worker the semaphores are still the lead's.
  if (::getpid() != owner_) return;
  for (std::size_t i = 0; i < slots_; ++i) ::sem_destroy(&at(i).wake);
}

std::atomic<std::uint64_t>* EnvironmentSlots::ready_words() const {
  return reinterpret_cast<std::atomic<std::uint64_t>*>(static_cast<std::byte*>(memory_.data()) +
                                                       sizeof(Shared));
}

EnvironmentSlots::Slot& EnvironmentSlots::at(std::size_t slot) const {
  const std::size_t ready = rounded((slots_ + kBits - 1) / kBits * sizeof(std::uint64_t));
  auto* const bytes = static_cast<std::byte*>(memory_.data()) + sizeof(Shared) + ready + slot * stride_;
  return *reinterpret_cast<Slot*>(bytes);
}

std::span<float> EnvironmentSlots::action_of(std::size_t slot) const {
  return {reinterpret_cast<float*>(reinterpret_cast<std::byte*>(&at(slot)) + sizeof(Slot)), sizes_.action};
}

std::span<float> EnvironmentSlots::observation_of(std::size_t slot) const {
  auto* const bytes =
      reinterpret_cast<std::byte*>(&at(slot)) + sizeof(Slot) + rounded(sizes_.action * sizeof(float));
  return {reinterpret_cast<float*>(bytes), sizes_.observation};
}

std::span<float> EnvironmentSlots::metrics_of(std::size_t slot) const {
  const auto before = observation_of(slot);
  return {before.data() + before.size(), sizes_.metrics};
}

std::span<std::uint8_t> EnvironmentSlots::mask_of(std::size_t slot) const {
  const auto before = metrics_of(slot);
  return {reinterpret_cast<std::uint8_t*>(before.data() + before.size()), sizes_.mask};
}

// A slot's worker.

std::uint64_t EnvironmentSlots::ask_reset(std::size_t slot, std::uint64_t seed) {
  Slot& own = at(slot);
  const std::uint64_t ticket = own.asked.load(std::memory_order_relaxed) + 1;
  own.begun.store(ticket, std::memory_order_relaxed);
  own.is_reset.store(1, std::memory_order_release);
  own.seed.store(seed, std::memory_order_release);
  return publish(slot, ticket);
}

std::uint64_t EnvironmentSlots::ask_step(std::size_t slot, std::span<const float> action) {
  Slot& own = at(slot);
  const std::uint64_t ticket = own.asked.load(std::memory_order_relaxed) + 1;
  own.begun.store(ticket, std::memory_order_relaxed);
  own.is_reset.store(0, std::memory_order_release);
  const auto to = action_of(slot);
  for (std::size_t i = 0; i < to.size(); ++i)
    std::atomic_ref<float>(to[i]).store(action[i], std::memory_order_release);
  return publish(slot, ticket);
}

std::uint64_t EnvironmentSlots::publish(std::size_t slot, std::uint64_t ticket) {
  GENKIDAMA_FAILPOINT("environment_asking");
  at(slot).asked.store(ticket, std::memory_order_release);
  // Either the lead sees the bit when it looks once more before it sleeps, or it is seen to sleep here.
  ready_words()[slot / kBits].fetch_or(std::uint64_t{1} << (slot % kBits), std::memory_order_seq_cst);
  // Who is killed before it rings has nobody left that waits for the answer.
  if (shared_->sleeping.load(std::memory_order_seq_cst) != 0) {
    const std::uint64_t one = 1;
    // A bell that has rung so often that it takes no more has rung.
    [[maybe_unused]] const auto written = ::write(bell_, &one, sizeof one);
  }
  return ticket;
}

bool EnvironmentSlots::is_answered(std::size_t slot, std::uint64_t ticket) const {
  return at(slot).answered.load(std::memory_order_acquire) == ticket;
}

bool EnvironmentSlots::is_closed() const {
  return shared_->closed.load(std::memory_order_acquire) != 0;
}

bool EnvironmentSlots::wait(std::size_t slot, std::uint64_t ticket,
                            const std::function<bool()>& keep_waiting) {
  if (is_answered(slot, ticket)) return true;
  Slot& own = at(slot);
  drain(own.wake);
  auto asked = Clock::now();
  while (!is_answered(slot, ticket)) {
    if (is_closed()) return false;
    sleep_on(own.wake, Deadline::after(kSlice));
    // Not for every answer: it may cost more than the wait.
    if (const auto now = Clock::now(); keep_waiting && now - asked >= kSlice) {
      asked = now;
      if (!is_answered(slot, ticket) && !keep_waiting()) return false;
    }
  }
  return true;
}

EnvironmentAnswer EnvironmentSlots::read_answer(std::size_t slot, std::span<float> observation,
                                                std::span<float> metrics,
                                                std::span<std::uint8_t> mask) const {
  const Slot& own = at(slot);
  EnvironmentAnswer answer;
  answer.is_reset = own.is_reset.load(std::memory_order_relaxed) != 0;
  answer.terminated = own.ending == kTerminated;
  answer.truncated = own.ending == kTruncated;
  answer.lost = own.ending == kLost;
  if (answer.lost) return answer;
  answer.reward = own.reward;
  const auto copy = [](const auto& from, const auto& to) {
    std::copy(from.begin(), from.end(), to.begin());
    return to;
  };
  answer.observation = copy(observation_of(slot), observation);
  if (answer.terminated || answer.truncated) answer.metrics = copy(metrics_of(slot), metrics);
  if (!answer.terminated) answer.mask = copy(mask_of(slot), mask);
  return answer;
}

// The lead.

void EnvironmentSlots::collect(std::vector<std::size_t>& slots) {
  slots.clear();
  for (std::size_t i = 0; i * kBits < slots_; ++i) {
    if (ready_words()[i].load(std::memory_order_relaxed) == 0) continue;
    std::uint64_t word = ready_words()[i].exchange(0, std::memory_order_seq_cst);
    for (; word != 0; word &= word - 1)
      slots.push_back(i * kBits + static_cast<std::size_t>(std::countr_zero(word)));
  }
}

bool EnvironmentSlots::sleep() {
  shared_->sleeping.store(1, std::memory_order_seq_cst);
  for (std::size_t i = 0; i * kBits < slots_; ++i) {
    if (ready_words()[i].load(std::memory_order_seq_cst) == 0) continue;
    shared_->sleeping.store(0, std::memory_order_seq_cst);
    return false;
  }
  return true;
}

void EnvironmentSlots::calm() {
  shared_->sleeping.store(0, std::memory_order_seq_cst);
  std::uint64_t rung = 0;
  [[maybe_unused]] const auto count = ::read(bell_, &rung, sizeof rung);
}

std::optional<EnvironmentSlots::Request> EnvironmentSlots::request(std::size_t slot,
                                                                   std::vector<float>& action) const {
  const Slot& own = at(slot);
  Request request;
  request.ticket = own.asked.load(std::memory_order_acquire);
  if (request.ticket == own.answered.load(std::memory_order_relaxed)) return std::nullopt;
  // Whoever sees anything of a newer request sees that it was begun: each of its words is a release, and is
  // read by an acquire.
  request.is_reset = own.is_reset.load(std::memory_order_acquire) != 0;
  request.seed = own.seed.load(std::memory_order_acquire);
  action.resize(sizes_.action);
  const auto from = action_of(slot);
  for (std::size_t i = 0; i < from.size(); ++i)
    action[i] = std::atomic_ref<float>(from[i]).load(std::memory_order_acquire);
  // Then its worker rings when it is whole.
  if (own.begun.load(std::memory_order_relaxed) != request.ticket) return std::nullopt;
  return request;
}

void EnvironmentSlots::answer(std::size_t slot, std::uint64_t ticket, const EnvironmentAnswer& answer) {
  Slot& own = at(slot);
  if (own.asked.load(std::memory_order_acquire) != ticket) return;
  own.ending = answer.lost         ? kLost
               : answer.terminated ? kTerminated
               : answer.truncated  ? kTruncated
                                   : kGoesOn;
  own.reward = answer.reward;
  const auto copy = [](const auto& from, const auto& to) { std::copy(from.begin(), from.end(), to.begin()); };
  copy(answer.observation, observation_of(slot));
  copy(answer.metrics, metrics_of(slot));
  copy(answer.mask, mask_of(slot));
  GENKIDAMA_FAILPOINT("environment_answering");
  own.answered.store(ticket, std::memory_order_release);
  ::sem_post(&own.wake);
}

void EnvironmentSlots::close() {
  shared_->closed.store(1, std::memory_order_release);
  for (std::size_t i = 0; i < slots_; ++i) ::sem_post(&at(i).wake);
}

}  // namespace genkidama
