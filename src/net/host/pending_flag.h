#pragma once

#include <memory>
#include <utility>

namespace genkidama {

/// Goes with the handler of an operation that was begun. `flag`, a member of `owner`, is true until the
/// handler is called, or is thrown away because memory ended before it could be called.
class PendingFlag {
 public:
  PendingFlag(std::shared_ptr<const void> owner, bool& flag) : owner_(std::move(owner)), flag_(&flag) {
    flag = true;
  }
  PendingFlag(PendingFlag&& other) noexcept
      : owner_(std::move(other.owner_)), flag_(std::exchange(other.flag_, nullptr)) {}
  PendingFlag& operator=(PendingFlag&&) = delete;
  ~PendingFlag() { over(); }

  void over() {
    if (flag_ != nullptr) *std::exchange(flag_, nullptr) = false;
  }

 private:
  std::shared_ptr<const void> owner_;
  bool* flag_;
};

}  // namespace genkidama
