#include "rl/segment_store.h"

#include <algorithm>
#include <cassert>

namespace genkidama {

SegmentStore::SegmentStore(std::size_t parts, const SegmentShape& shape, std::size_t steps,
                           std::size_t segments)
    : shape_(shape),
      segments_(segments),
      floats_(floats_of(steps) + (segments - 1) * floats_of(0)),
      masks_(steps * shape.alternatives),
      counts_(parts, "counts of segments"),
      heads_(parts * segments_, "heads of segments"),
      columns_(parts * floats_, "segments"),
      mask_bytes_(parts * masks_, "masks of segments") {}

std::size_t SegmentStore::floats_of(std::size_t steps) const {
  return steps * (shape_.observation + shape_.action + 2) + shape_.observation + 2 * shape_.state;
}

bool SegmentStore::has_room(std::size_t part, const Segment& segment) const {
  const Count& count = counts_[part];
  return count.segments < segments_ && count.floats + floats_of(segment.size()) <= floats_ &&
         count.masks + segment.masks.size() <= masks_;
}

void SegmentStore::add(std::size_t part, const Segment& segment) {
  assert(shape_.fits(segment) && has_room(part, segment));
  Count& count = counts_[part];
  float* to = columns_.data() + part * floats_ + count.floats;
  for (const auto* column :
       {&segment.observations, &segment.actions, &segment.rewards, &segment.log_probabilities,
        &segment.last_observation, &segment.first_state, &segment.last_state}) {
    to = std::copy(column->begin(), column->end(), to);
  }
  std::copy(segment.masks.begin(), segment.masks.end(), mask_bytes_.data() + part * masks_ + count.masks);
  heads_[part * segments_ + count.segments] = {segment.policy_version, segment.size(), segment.end,
                                               segment.reward_scale};
  count.floats += floats_of(segment.size());
  count.masks += segment.masks.size();
  // The last of all: whoever is killed before leaves no half of a segment.
  ++count.segments;
}

void SegmentStore::read(std::size_t part, std::size_t index, Place& place, Segment& segment) const {
  const Head& head = heads_[part * segments_ + index];
  const std::size_t n = head.steps;
  const float* from = columns_.data() + part * floats_ + place.floats;
  const auto take = [&from](std::vector<float>& column, std::size_t count) {
    column.assign(from, from + count);
    from += count;
  };
  take(segment.observations, n * shape_.observation);
  take(segment.actions, n * shape_.action);
  take(segment.rewards, n);
  take(segment.log_probabilities, n);
  take(segment.last_observation, shape_.observation);
  take(segment.first_state, shape_.state);
  take(segment.last_state, shape_.state);
  const std::uint8_t* masks = mask_bytes_.data() + part * masks_ + place.masks;
  segment.masks.assign(masks, masks + n * shape_.alternatives);
  segment.policy_version = head.policy_version;
  segment.end = head.end;
  segment.reward_scale = head.reward_scale;
  place.floats += floats_of(n);
  place.masks += segment.masks.size();
}

}  // namespace genkidama
