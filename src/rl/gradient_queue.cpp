#include "rl/gradient_queue.h"

#include <algorithm>

#include "ipc/shared_semaphore.h"

namespace genkidama {

GradientQueue::GradientQueue(int workers, std::size_t parameters, int servers)
    : parameters_(parameters),
      slots_(static_cast<std::size_t>(workers), "gradient slots"),
      arrivals_(static_cast<std::size_t>(servers), "gradient servers"),
      works_(slots_.size() * arrivals_.size(), "gradients done"),
      tickets_(1, "gradient queue"),
      gradients_(static_cast<std::size_t>(workers) * parameters, "gradients") {
  for (Arrivals& each : arrivals_.span()) make_semaphore(each.semaphore);
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
  own.ticket.store(tickets_[0].fetch_add(1, std::memory_order_relaxed) + 1, std::memory_order_release);
  wake_servers();
}

bool GradientQueue::are_all_done(int worker, std::uint64_t ticket) const {
  const auto works = works_of(worker);
  return std::all_of(works.begin(), works.end(), [ticket](const Work& each) { return each.done == ticket; });
}

bool GradientQueue::is_free(int worker) const {
  const std::uint64_t ticket = slot(worker).ticket.load(std::memory_order_acquire);
  return ticket == 0 || are_all_done(worker, ticket);
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

GradientQueue::Fate GradientQueue::take_back(int worker) {
  const std::uint64_t ticket = slot(worker).ticket.load(std::memory_order_relaxed);
  Fate worst = Fate::kApplied;
  for (const Work& each : works_of(worker)) {
    if (ticket == 0) break;
    worst = std::max(worst, each.done == ticket ? each.fate.load(std::memory_order_relaxed) : Fate::kLost);
  }
  slot(worker).ticket.store(0, std::memory_order_release);
  return worst;
}

void GradientQueue::wake_servers() {
  for (Arrivals& each : arrivals_.span()) ::sem_post(&each.semaphore);
}

std::uint64_t GradientQueue::open_ticket(std::size_t slot, int server) const {
  const std::uint64_t ticket = slots_[slot].ticket.load(std::memory_order_acquire);
  return work(slot, server).done == ticket ? 0 : ticket;
}

std::optional<GradientQueue::Item> GradientQueue::first(int server) const {
  std::optional<Item> found;
  std::uint64_t lowest = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const std::uint64_t ticket = open_ticket(i, server);
    if (ticket == 0 || (found && ticket > lowest)) continue;
    lowest = ticket;
    found = item_of(i, ticket);
  }
  return found;
}

void GradientQueue::all(std::vector<Item>& items, int server) const {
  items.clear();
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (const std::uint64_t ticket = open_ticket(i, server); ticket != 0) items.push_back(item_of(i, ticket));
  }
  std::sort(items.begin(), items.end(),
            [](const Item& first, const Item& second) { return first.ticket < second.ticket; });
}

GradientQueue::Item GradientQueue::item_of(std::size_t slot, std::uint64_t ticket) const {
  const Slot& from = slots_[slot];
  return {static_cast<int>(slot), gradient_of(slot), from.versions, from.step, from.learning_rate, ticket};
}

bool GradientQueue::begin(const Item& item, int server) {
  return work(static_cast<std::size_t>(item.worker), server).begun.exchange(item.ticket) != item.ticket;
}

void GradientQueue::finish(const Item& item, Fate fate, int server) {
  Work& own = work(static_cast<std::size_t>(item.worker), server);
  own.fate.store(fate, std::memory_order_relaxed);
  own.done = item.ticket;
  // In one order for all servers, so that the last of them sees that it is the last.
  if (are_all_done(item.worker, item.ticket)) ::sem_post(&slot(item.worker).done);
}

void GradientQueue::wait_for_gradients(Deadline deadline, int server) {
  sem_t& semaphore = arrivals_[static_cast<std::size_t>(server)].semaphore;
  drain(semaphore);
  if (!first(server)) sleep_on(semaphore, deadline);
}

}  // namespace genkidama
