#pragma once

// Segments on their way from those that play to the one that learns, in shared memory.

#include <cstddef>
#include <cstdint>
#include <span>

#include "genkidama/ipc/shared_array.h"
#include "genkidama/params/segment.h"

namespace genkidama {

/// A part for each of several writers. A writer writes its own part between two orders of the lead, and
/// whoever reads does so between two others: nobody waits for anybody here, and nobody who is killed leaves a
/// lock behind. A writer that takes a dead one's place clears its part first.
class SegmentStore {
 public:
  /// Each part has room for `steps` steps, and for `segments` segments of them. Throws IoError.
  SegmentStore(std::size_t parts, const SegmentShape& shape, std::size_t steps, std::size_t segments);

  const SegmentShape& shape() const { return shape_; }
  std::size_t parts() const { return counts_.size(); }
  void clear(std::size_t part) { counts_[part] = {}; }
  /// Whether the part has room for it now; the segment must fit the shape.
  bool has_room(std::size_t part, const Segment& segment) const;
  /// There must be room.
  void add(std::size_t part, const Segment& segment);
  /// Calls `action` with each segment of a part, in the order in which they were added. The segment is valid
  /// during the call.
  template <typename Action>
  void for_each(std::size_t part, const Action& action) const {
    Segment segment;
    Place place;
    for (std::size_t i = 0; i < counts_[part].segments; ++i) {
      read(part, i, place, segment);
      action(static_cast<const Segment&>(segment));
    }
  }
  /// Calls `action` with the policy's version and the number of steps of each segment of a part.
  template <typename Action>
  void for_each_head(std::size_t part, const Action& action) const {
    for (std::size_t i = 0; i < counts_[part].segments; ++i) {
      const Head& head = heads_[part * segments_ + i];
      action(head.policy_version, head.steps);
    }
  }

 private:
  struct Head {
    std::uint64_t policy_version = 0;
    std::uint64_t steps = 0;
    SegmentEnd end = SegmentEnd::kContinues;
    float reward_scale = 1;
  };
  struct Count {
    std::size_t segments = 0;
    std::size_t floats = 0;
    std::size_t masks = 0;
  };
  /// Where the next segment begins.
  struct Place {
    std::size_t floats = 0;
    std::size_t masks = 0;
  };

  std::size_t floats_of(std::size_t steps) const;
  void read(std::size_t part, std::size_t index, Place& place, Segment& segment) const;

  const SegmentShape shape_;
  const std::size_t segments_, floats_, masks_;  ///< that a part has room for
  SharedArray<Count> counts_;
  SharedArray<Head> heads_;
  SharedArray<float> columns_;
  SharedArray<std::uint8_t> mask_bytes_;
};

}  // namespace genkidama
