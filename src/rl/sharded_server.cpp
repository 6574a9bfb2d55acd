#include "rl/sharded_server.h"

#include "core/failpoint.h"
#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"

namespace genkidama {
namespace {

// The last worker arrives just after it has woken the server.
constexpr Milliseconds kSlice{5};

}  // namespace

ShardedServer::ShardedServer(const std::function<std::unique_ptr<WeightShards>()>& make_shards,
                             SharedTraining& shared, int index, const std::function<bool()>& lead_alive)
    : shared_(shared),
      report_(shared.reports[static_cast<std::size_t>(index)]),
      lead_alive_(lead_alive),
      weights_(shared.weights.size()) {
  report_.activity.store(WorkerActivity::kOther, std::memory_order_relaxed);
  report_.beats.add(1);
  shards_ = make_shards();
  join();
}

/// Nothing happens when the round is cut or the lead is gone before all of them are there.
void ShardedServer::join() {
  if (!shards_->join([this] { return keeps_waiting(); })) return;
  versions_.resize(shards_->slices());
  write_weights();
}

void ShardedServer::obey(const WorkerOrder& order) {
  if (order.command != WorkerCommand::kTrain) return;
  if (versions_.empty()) join();
  if (versions_.empty()) return;
  GradientQueue& queue = *shared_.gradients;
  // Between two rounds the lead may have written others, such as an average that is evaluated.
  write_weights();
  shared_.versions[0].written_for.store(order.round + 1, std::memory_order_release);
  queue.wake_workers();
  while (!shared_.are_gradients_over()) {
    report_.beats.add(1);
    queue.all(items_);
    give_up_begun_ones();
    if (items_.empty()) {
      queue.wait_for_gradients(Deadline::after(kSlice));
      continue;
    }
    gradients_.clear();
    for (const auto& item : items_)
      gradients_.push_back({item.gradient, item.versions.first(shards_->slices()), item.learning_rate});
    GENKIDAMA_FAILPOINT("server_before_step");
    const ShardReply reply = shards_->apply(gradients_, [this] { return keeps_waiting(); });
    SharedCounters& counters = shared_.counters[0];
    counters.stale_gradients.fetch_add(reply.stale, std::memory_order_relaxed);
    counters.lost_gradients.fetch_add(reply.lost, std::memory_order_relaxed);
    write_weights();
    for (const auto& item : items_) queue.finish(item);
  }
}

/// The process before this one died over them, so the shards may have applied them.
void ShardedServer::give_up_begun_ones() {
  GradientQueue& queue = *shared_.gradients;
  std::erase_if(items_, [&](const GradientQueue::Item& item) {
    if (queue.begin(item)) return false;
    shared_.counters[0].lost_gradients.fetch_add(1, std::memory_order_relaxed);
    queue.finish(item, GradientQueue::Fate::kLost);
    return true;
  });
}

void ShardedServer::write_weights() {
  shards_->read(weights_, versions_);
  relaxed_store(shared_.weights.span(), weights_);
  for (std::size_t i = 0; i < versions_.size(); ++i)
    shared_.versions[0].steps[i].store(versions_[i], std::memory_order_release);
}

/// A worker that gives up because its round was cut takes its gradient back; nobody waits for an answer then.
bool ShardedServer::keeps_waiting() {
  report_.beats.add(1);
  if (!lead_alive_()) return false;
  return !shared_.counters[0].cut_round.load(std::memory_order_relaxed) || !have_all_given_up();
}

bool ShardedServer::have_all_given_up() const {
  for (int worker = 0; worker < shared_.learners(); ++worker) {
    if (!shared_.gradients->is_free(worker)) return false;
  }
  return true;
}

}  // namespace genkidama
