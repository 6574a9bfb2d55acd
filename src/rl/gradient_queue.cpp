#include "rl/gradient_queue.h"

#include <algorithm>

#include "ipc/shared_semaphore.h"

namespace genkidama {

GradientQueue::GradientQueue(int workers, std::size_t parameters)
    : parameters_(parameters),
      slots_(static_cast<std::size_t>(workers), "gradient slots"),
      counter_(1, "gradient queue"),
      gradients_(static_cast<std::size_t>(workers) * parameters, "gradients") {
  make_semaphore(counter_[0].arrivals);
  for (Slot& each : slots_.span()) make_semaphore(each.done);
}

void GradientQueue::hand_over(int worker, std::span<const float> gradient,
                              std::span<const std::uint64_t> versions, std::uint64_t step,
                              double learning_rate) {
  Slot& own = slot(worker);
  drain(own.done);
  std::copy(gradient.begin(), gradient.end(), gradient_of(static_cast<std::size_t>(worker)).begin());
  std::copy(versions.begin(), versions.end(), own.versions.begin());
  own.step = step;
  own.learning_rate = learning_rate;
  own.ticket.store(counter_[0].tickets.fetch_add(1, std::memory_order_relaxed) + 1,
                   std::memory_order_release);
  wake_server();
}

bool GradientQueue::is_free(int worker) const {
  return slot(worker).ticket.load(std::memory_order_acquire) == 0;
}

void GradientQueue::wait_until_free(int worker, Deadline deadline) {
  if (!is_free(worker)) sleep_on(slot(worker).done, deadline);
}

void GradientQueue::wait_for_server(int worker, Deadline deadline) {
  sleep_on(slot(worker).done, deadline);
}

void GradientQueue::wake_workers() {
  for (Slot& each : slots_.span()) ::sem_post(&each.done);
}

void GradientQueue::take_back(int worker) {
  slot(worker).ticket.store(0, std::memory_order_release);
}

void GradientQueue::wake_server() {
  ::sem_post(&counter_[0].arrivals);
}

std::optional<GradientQueue::Item> GradientQueue::first() const {
  std::optional<Item> found;
  std::uint64_t lowest = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const std::uint64_t ticket = slots_[i].ticket.load(std::memory_order_acquire);
    if (ticket == 0 || (found && ticket > lowest)) continue;
    lowest = ticket;
    found = item_of(i, ticket);
  }
  return found;
}

void GradientQueue::all(std::vector<Item>& items) const {
  items.clear();
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const std::uint64_t ticket = slots_[i].ticket.load(std::memory_order_acquire);
    if (ticket != 0) items.push_back(item_of(i, ticket));
  }
  std::sort(items.begin(), items.end(),
            [](const Item& first, const Item& second) { return first.ticket < second.ticket; });
}

GradientQueue::Item GradientQueue::item_of(std::size_t slot, std::uint64_t ticket) const {
  const Slot& from = slots_[slot];
  return {static_cast<int>(slot), gradient_of(slot), from.versions, from.step, from.learning_rate, ticket};
}

void GradientQueue::finish(const Item& item) {
  Slot& done = slot(item.worker);
  std::uint64_t ticket = item.ticket;
  done.ticket.compare_exchange_strong(ticket, 0, std::memory_order_acq_rel);
  ::sem_post(&done.done);
}

void GradientQueue::wait_for_gradients(Deadline deadline) {
  drain(counter_[0].arrivals);
  if (!first()) sleep_on(counter_[0].arrivals, deadline);
}

}  // namespace genkidama
