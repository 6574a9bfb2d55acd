#pragma once

#include <memory>
#include <utility>

namespace genkidama {

/// Goes with the handler of something that was begun; `flag`, of `owner`, is true until the handler is
/// called, or thrown away since memory ended before it could be.
class UnderWay {
 public:
  UnderWay(std::shared_ptr<const void> owner, bool& flag) : owner_(std::move(owner)), flag_(&flag) {
    flag = true;
  }
  UnderWay(UnderWay&& other) noexcept
      : owner_(std::move(other.owner_)), flag_(std::exchange(other.flag_, nullptr)) {}
  UnderWay& operator=(UnderWay&&) = delete;
  ~UnderWay() { over(); }

  void over() {
    if (flag_ != nullptr) *std::exchange(flag_, nullptr) = false;
  }

 private:
  std::shared_ptr<const void> owner_;
  bool* flag_;
};

}  // namespace genkidama
