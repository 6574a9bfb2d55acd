// A session whose Parent merges with several threads.

#include <exception>
#include <memory>
#include <new>
#include <utility>

#include "core/failpoint.h"
#include "genkidama/core/log.h"
#include "net/host/link_host.h"
#include "net/parent/parent_session.h"

namespace genkidama {

void ParentSession::use_pool() {
  MergePool* const pool = owner_.merge_pool();
  if (pool != nullptr) pooled_ = std::make_unique<PooledMerge>(owner_.state(), [this] { step_done(); });
}

void ParentSession::begin_look(std::span<const std::byte> frame) {
  pooled_->prepare_look(frame, extra_bytes(), *decoder_);
  // Nothing more is read meanwhile, so a session has one frame in the pool at most.
  link_->hold_message();
  owner_.merge_pool()->submit(*pooled_);
}

void ParentSession::step_done() {
  // Its link may be dropped here, and the host forget it.
  const auto self = shared_from_this();
  const auto step = pooled_->take_step();
  try {
    if (step == PooledMerge::Step::kMerge) {
      end_merge();
    } else if (pooled_->failed()) {
      throw std::bad_alloc();
    } else if (phase_ == Phase::kJoined && !host_.ending()) {
      take_frame(pooled_->parts());
    }
    if (pooled_->step() == PooledMerge::Step::kNothing) link_->release_message();
  } catch (const std::exception&) {
    abandon();
  }
}

void ParentSession::begin_merge(const FrameHeader& frame, RunningStatistics own) {
  // All that wants memory comes first: what is counted is merged.
  pooled_->reserve_answer();
  encode_extra();
  report_ = owner_.state().begin_merge(frame, pooled_->look().pull, Clock::now(), {stream_, std::move(own)});
  merged_ = frame;
  ++next_sequence_;
  pooled_->prepare_merge(session_, make_header(frame.sequence), extra_, *encoder_,
                         link_->take_frame_buffer());
  // What is counted soon is in W_P.
  owner_.merge_pool()->submit(*pooled_, true);
}

void ParentSession::end_merge() {
  owner_.state().end_merge();
  GENKIDAMA_FAILPOINT("parent_merged");
  if (!pooled_->failed()) {
    auto frame = pooled_->take_frame();
    owner_.state().frame_sent(session_, frame.size() + pooled_->rest().size());
    // The Child waits, the observer does not.
    link_->send_frame(std::move(frame), pooled_->rest(), pooled_->owner_of_rest());
  }
  GENKIDAMA_FAILPOINT("parent_answered");
  tell_merge(merged_, report_, pooled_->weights());
  if (pooled_->failed()) throw std::bad_alloc();
}

void ParentSession::leave_pool() noexcept {
  if (!pooled_ || pooled_->step() == PooledMerge::Step::kNothing) return;
  const bool was_run = owner_.merge_pool()->withdraw(*pooled_);
  const bool merges = pooled_->step() == PooledMerge::Step::kMerge;
  if (merges && !was_run) pooled_->run();
  pooled_->take_step();
  // A frame that was only looked at is lost with its link, as it might have been on the way.
  if (!merges) return;
  try {
    end_merge();
  } catch (const std::exception&) {
    // Out of memory: the merge is made and counted, and its observer is not told.
  }
}

}  // namespace genkidama
