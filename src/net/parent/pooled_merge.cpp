#include "net/parent/pooled_merge.h"

#include <exception>
#include <utility>

namespace genkidama {

PooledMerge::PooledMerge(ParentState& state, std::function<void()> finished)
    : state_(state), finished_(std::move(finished)) {}

void PooledMerge::prepare_look(std::span<const std::byte> frame, std::size_t extra_bytes,
                               WeightDecoder& decoder) {
  received_ = frame;
  extra_bytes_ = extra_bytes;
  decoder_ = &decoder;
  step_ = Step::kLook;
}

void PooledMerge::reserve_answer() {
  // The link may still be sending from the last one, when its Child does not wait for that.
  const bool is_free = answer_ && answer_.use_count() == 1;
  if (!is_free) answer_ = std::make_shared<std::vector<float>>(state_.size());
}

std::span<const float> PooledMerge::snapshot() {
  reserve_answer();
  state_.copy_current(*answer_);
  return *answer_;
}

void PooledMerge::prepare_merge(std::uint64_t session, const FrameHeader& header,
                                std::span<const std::byte> extra, WeightEncoder& encoder,
                                std::vector<std::byte> frame) noexcept {
  session_ = session;
  header_ = header;
  extra_ = extra;
  encoder_ = &encoder;
  frame_ = std::move(frame);
  step_ = Step::kMerge;
}

void PooledMerge::run() noexcept {
  failed_ = false;
  try {
    if (step_ == Step::kLook) {
      look_at_frame();
    } else {
      merge();
    }
  } catch (const std::exception&) {
    failed_ = true;
  }
}

void PooledMerge::look_at_frame() {
  parts_ = split_frame(received_, extra_bytes_);
  if (!parts_->ok()) return;
  const FrameParts& parts = parts_->value();
  decode_fault_ = decoder_->decode(parts.codec, parts.weights, given_);
  if (decode_fault_.empty()) look_ = state_.look_at(given_);
}

void PooledMerge::merge() {
  state_.average(session_, given_, *answer_);
  rest_ = {};
  if (encoder_->kind() == CodecKind::kFloat32) {
    rest_ = encode_frame_head(header_, *answer_, frame_, extra_);
  } else {
    encode_frame(header_, *answer_, *encoder_, frame_, extra_);
  }
}

}  // namespace genkidama
