#include "core/failpoint.h"
#include "genkidama/core/error.h"
#include "rl/policy_client.h"

namespace genkidama {
namespace {

constexpr Milliseconds kSlice{100};

class SlotPolicyClient final : public PolicyClient {
 public:
  SlotPolicyClient(SharedTraining& shared, WorkerSink& sink, int worker)
      : shared_(shared),
        slots_(*shared.inference),
        sink_(sink),
        groups_(slots_.size() / static_cast<std::size_t>(shared.workers)),
        first_(static_cast<std::size_t>(worker) * groups_),
        rows_(groups_) {
    for (std::size_t group = 0; group < groups_; ++group) {
      while (!slots_.take_back(first_ + group)) wait(first_ + group);
    }
  }

  std::size_t groups() const override { return groups_; }
  std::span<float> observations(std::size_t group, std::size_t rows) override {
    return slots_.observations(first_ + group, rows);
  }
  std::span<float> states(std::size_t group, std::size_t rows) override {
    return slots_.states(first_ + group, rows);
  }

  void ask(std::size_t group, std::size_t rows) override {
    rows_[group] = rows;
    slots_.ask(first_ + group, rows);
    GENKIDAMA_FAILPOINT("worker_has_asked");
  }

  std::span<const float> outputs(std::size_t group) override {
    forget(group);
    return slots_.outputs(first_ + group, rows_[group]);
  }

  std::span<const float> next_states(std::size_t group) override {
    return slots_.next_states(first_ + group, rows_[group]);
  }

  void forget(std::size_t group) override {
    while (!slots_.is_answered(first_ + group)) wait(first_ + group);
  }

 private:
  /// A predictor that died is replaced, and one that hangs is found to hang by itself.
  void wait(std::size_t slot) {
    slots_.wait_for_answer(slot, Deadline::after(kSlice));
    sink_.show_life();
    if (shared_.barrier.is_closed()) throw WorkerError("the training ended before an answer of a predictor");
  }

  SharedTraining& shared_;
  InferenceSlots& slots_;
  WorkerSink& sink_;
  std::size_t groups_, first_;
  std::vector<std::size_t> rows_;
};

}  // namespace

std::unique_ptr<PolicyClient> make_slot_policy_client(SharedTraining& shared, WorkerSink& sink, int worker) {
  return std::make_unique<SlotPolicyClient>(shared, sink, worker);
}

}  // namespace genkidama
