#include "rl/predictor.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/failpoint.h"

namespace genkidama {
namespace {

// The last worker wakes predictors, unless it is killed just then.
constexpr Milliseconds kSlice{5};

void copy(std::span<const float> from, std::span<float> to) {
  std::copy(from.begin(), from.end(), to.begin());
}

std::span<float> part(std::vector<float>& all, std::size_t row, std::size_t rows, std::size_t width) {
  return std::span(all).subspan(row * width, rows * width);
}

}  // namespace

Predictor::Predictor(const WorkerSetup& setup, SharedTraining& shared, int index)
    : setup_(setup),
      shared_(shared),
      slots_(*shared.inference),
      number_(shared.number_of_predictor(index)),
      report_(shared.reports[static_cast<std::size_t>(index)]),
      network_(make_local_network(setup, *make_algorithm_of(setup),
                                  completed(setup.described ? *setup.described : setup.spec.value()),
                                  setup.device)),
      noise_(0) {
  const auto batch = static_cast<std::size_t>(shared.inference_options.batch);
  const std::size_t all = static_cast<std::size_t>(shared.workers) * slots_.shape().rows;
  most_rows_ = batch > 0 ? batch : SIZE_MAX;
  wanted_rows_ = std::min(most_rows_, all);
  slots_.begin(number_);
  report_.activity.store(WorkerActivity::kOther, std::memory_order_relaxed);
  report_.beats.add(1);
}

void Predictor::obey(const WorkerOrder& order) {
  if (order.command != WorkerCommand::kTrain && order.command != WorkerCommand::kTrainAndLearn) return;
  report_.inference_batches.reset();
  report_.inference_rows.reset();
  if (number_ >= order.active_predictors) return;
  noise_ = learning_random(setup_, shared_.workers + number_, order.play);
  take_weights();
  while (!shared_.is_round_over()) {
    report_.beats.add(1);
    collect();
    if (taken_.empty()) {
      slots_.wait_for_requests(number_, Clock::now() + kSlice);
      continue;
    }
    GENKIDAMA_FAILPOINT("predictor_has_taken");
    take_newer_weights();
    compute();
    GENKIDAMA_FAILPOINT("predictor_has_computed");
    for (const std::size_t slot : taken_) slots_.answer(number_, slot);
    report_.inference_batches.add(1);
    report_.inference_rows.add(rows_);
  }
}

void Predictor::collect() {
  taken_.clear();
  rows_ = slots_.take(number_, 0, most_rows_, taken_);
  const auto wait = shared_.inference_options.wait;
  const auto end = Clock::now() + wait;
  while (!taken_.empty() && rows_ < wanted_rows_ && Clock::now() < end && !shared_.is_round_over()) {
    slots_.wait_for_requests(number_, end);
    rows_ += slots_.take(number_, rows_, most_rows_, taken_);
  }
  std::sort(taken_.begin(), taken_.end());
}

void Predictor::take_weights() {
  const bool apart = shared_.slots.has_value();
  seen_ = shared_.weights_seen();
  relaxed_load(apart ? shared_.played_weights.span() : shared_.weights.span(), network_.weights());
  has_new_weights_ = true;
}

void Predictor::take_newer_weights() {
  if (!shared_.segments && shared_.weights_seen() != seen_) take_weights();
}

bool Predictor::is_contiguous() const {
  for (std::size_t i = 1; i < taken_.size(); ++i) {
    if (taken_[i] != taken_[i - 1] + 1 || slots_.rows(taken_[i - 1]) != slots_.shape().rows) return false;
  }
  return true;
}

void Predictor::compute() {
  network_.draw_noise(noise_);
  const std::size_t first = taken_.front();
  if (is_contiguous()) {
    compute(slots_.observations(first, rows_), slots_.states(first, rows_), slots_.next_states(first, rows_),
            slots_.outputs(first, rows_));
    return;
  }
  const InferenceSlots::Shape& shape = slots_.shape();
  observations_.resize(rows_ * shape.observation);
  states_.resize(rows_ * shape.state);
  outputs_.resize(rows_ * shape.outputs);
  for_each_slot([&](std::size_t slot, std::size_t row, std::size_t rows) {
    copy(slots_.observations(slot, rows), part(observations_, row, rows, shape.observation));
    copy(slots_.states(slot, rows), part(states_, row, rows, shape.state));
  });
  compute(observations_, states_, states_, outputs_);
  for_each_slot([&](std::size_t slot, std::size_t row, std::size_t rows) {
    copy(part(outputs_, row, rows, shape.outputs), slots_.outputs(slot, rows));
    copy(part(states_, row, rows, shape.state), slots_.next_states(slot, rows));
  });
}

// The states before stay as they are, for a predictor that takes this one's place.
void Predictor::compute(std::span<const float> observations, std::span<const float> states,
                        std::span<float> next_states, std::span<float> outputs) {
  if (slots_.shape().state == 0) {
    if (!std::exchange(has_new_weights_, false)) network_.policy().keep_weights();
    network_.policy().logits_of_batch(network_.weights(), observations, rows_, outputs);
    return;
  }
  if (states.data() != next_states.data()) copy(states, next_states);
  network_.recurrent_policy().step(network_.weights(), observations, rows_, next_states, outputs);
}

}  // namespace genkidama
