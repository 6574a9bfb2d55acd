#pragma once

// What a link has to send. One message is being written at a time.

#include "net/asio.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace genkidama {

/// A few texts wait in order; of the frames only the newest waits. Texts are sent before a frame that waits.
class Outbox {
 public:
  static constexpr std::size_t kMaxTextsWaiting = 8;

  struct Frame {
    std::array<asio::const_buffer, 2> buffers() const {
      return {asio::buffer(bytes), asio::const_buffer(rest.data(), rest.size())};
    }

    std::vector<std::byte> bytes;
    std::span<const std::byte> rest;    ///< sent after `bytes`, as part of the frame
    std::shared_ptr<const void> owner;  ///< keeps `rest` alive until it was sent
  };

  /// What is being written.
  enum class Writing { kNothing, kText, kFrame };

  /// False when too many wait: the peer does not read.
  bool add_text(std::string text) {
    if (texts_.size() >= kMaxTextsWaiting) return false;
    texts_.push_back(std::move(text));
    return true;
  }

  /// Memory to encode a frame into. With one frame at a time, as in every exchange, this is always the same
  /// memory; while a frame is being written it is that of the one that waits, which is given up.
  std::vector<std::byte> take_frame_buffer() {
    if (writing_ != Writing::kFrame) return std::move(frame_.bytes);
    frame_waits_ = false;
    return std::move(waiting_frame_.bytes);
  }
  /// Replaces a frame that waits.
  void set_frame(Frame frame) {
    waiting_frame_ = std::move(frame);
    frame_waits_ = true;
  }
  void give_up_waiting_frame() { frame_waits_ = false; }

  bool has_frame() const { return frame_waits_ || writing_ == Writing::kFrame; }
  bool is_idle() const { return writing_ == Writing::kNothing && !frame_waits_ && texts_.empty(); }
  Writing writing() const { return writing_; }

  /// Takes what is to be written next, when nothing is being written; kNothing when there is none.
  Writing begin_next() {
    if (!texts_.empty()) {
      text_ = std::move(texts_.front());
      texts_.pop_front();
      writing_ = Writing::kText;
    } else if (frame_waits_) {
      frame_ = std::move(waiting_frame_);
      frame_waits_ = false;
      writing_ = Writing::kFrame;
    }
    return writing_;
  }
  const std::string& text() const { return text_; }
  const Frame& frame() const { return frame_; }
  void written() {
    writing_ = Writing::kNothing;
    frame_.owner.reset();
  }

 private:
  std::deque<std::string> texts_;
  std::string text_;  // being written, or written last
  Frame waiting_frame_;
  Frame frame_;  // being written, or written last
  bool frame_waits_ = false;
  Writing writing_ = Writing::kNothing;
};

}  // namespace genkidama
