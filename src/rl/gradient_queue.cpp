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

void GradientQueue::hand_over(int worker, std::span<const float> gradient, std::uint64_t step,
                              double learning_rate) {
  Slot& own = slot(worker);
  drain(own.done);
  std::copy(gradient.begin(), gradient.end(), gradient_of(static_cast<std::size_t>(worker)).begin());
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
    found = Item{static_cast<int>(i), gradient_of(i), slots_[i].step, slots_[i].learning_rate, ticket};
  }
  return found;
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
