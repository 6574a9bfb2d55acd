#pragma once

// What the pool does with one session's frames.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/params/weight_codec.h"
#include "genkidama/wire/frame.h"
#include "net/parent/merge_pool.h"
#include "net/parent/parent_state.h"

namespace genkidama {

/// A frame goes through the pool twice. The first time it is checked and decoded, and its weights are looked
/// at. Then the io thread decides, and counts the merge; nothing can fail from here on but the answer. The
/// second time W_P is averaged with them, and the answer is written. All functions but run() on the io
/// thread, and while the object is outside the pool.
class PooledMerge final : public MergeTask {
 public:
  /// What is to be done, or was done.
  enum class Step { kNothing, kLook, kMerge };

  /// `finished` is called after each step, on the io thread. `state` must outlive this.
  PooledMerge(ParentState& state, std::function<void()> finished);

  // First.

  /// `frame` stays where it is until both steps are done; so does `decoder`.
  void prepare_look(std::span<const std::byte> frame, std::size_t extra_bytes, WeightDecoder& decoder);
  const Decoded<FrameParts>& parts() const { return *parts_; }
  /// What is wrong with the weights as they are written; empty: nothing.
  const std::string& decode_fault() const { return decode_fault_; }
  const WeightsLook& look() const { return look_; }

  // Second.

  /// Takes the memory of the answer, so that prepare_merge() wants none.
  void reserve_answer();
  /// `header` of the answer, `extra` before its weights. `encoder` and `extra` stay where they are.
  void prepare_merge(std::uint64_t session, const FrameHeader& header, std::span<const std::byte> extra,
                     WeightEncoder& encoder, std::vector<std::byte> frame) noexcept;
  /// W_P as this merge has left it.
  std::span<const float> weights() const { return *answer_; }
  /// The answer: what lies before its weights, or all of it, and then what is sent from where it lies.
  std::vector<std::byte> take_frame() { return std::move(frame_); }
  std::span<const std::byte> rest() const { return rest_; }
  std::shared_ptr<const void> owner_of_rest() const { return answer_; }

  /// W_P as it is now, in the memory of the answer.
  std::span<const float> snapshot();

  /// The step that was prepared last; nothing is prepared then.
  Step take_step() { return std::exchange(step_, Step::kNothing); }
  Step step() const { return step_; }
  /// Memory has ended within the step. The averaging of a merge was done all the same.
  bool failed() const { return failed_; }

  void run() noexcept override;
  void finished() override { finished_(); }

 private:
  void look_at_frame();
  void merge();

  ParentState& state_;
  const std::function<void()> finished_;
  Step step_ = Step::kNothing;
  bool failed_ = false;

  std::span<const std::byte> received_;
  std::size_t extra_bytes_ = 0;
  WeightDecoder* decoder_ = nullptr;
  std::optional<Decoded<FrameParts>> parts_;
  std::string decode_fault_;
  std::span<const float> given_;
  WeightsLook look_;

  std::uint64_t session_ = 0;
  FrameHeader header_;
  std::span<const std::byte> extra_;
  WeightEncoder* encoder_ = nullptr;
  std::vector<std::byte> frame_;
  std::span<const std::byte> rest_;
  std::shared_ptr<std::vector<float>> answer_;
};

}  // namespace genkidama
