#pragma once

// A Parent in virtual time: the real state and merges of a Parent, without its sessions.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/net/parent.h"
#include "genkidama/params/weight_codec.h"
#include "net/parent/parent_state.h"
#include "net/upper_parent/merged_weights.h"
#include "sim/virtual_child.h"

namespace genkidama::sim {

/// A Child to which the Parent sends its weights, and the number of its frame that they answer.
struct Answer {
  std::uint32_t child = 0;
  std::uint64_t sequence = 0;
};

/// Children are known by their places in the simulation.
class VirtualParent {
 public:
  /// `layout` outlives it. All `children` ask for the same codec, and have moments of the same shape.
  VirtualParent(const ParentOptions& options, const ParameterLayout& layout, std::vector<float> weights,
                std::size_t children, CodecKind codec, const MomentsShape& moments);

  /// A hello came: of `session`, if that can be gone on with.
  Welcome join(std::uint32_t child, std::uint64_t session, std::uint64_t steps_counted,
               Clock::time_point now);
  /// A frame of a Child came. `answers` are made at once, or by look().
  void receive(std::uint32_t child, std::span<const std::byte> frame, Clock::time_point now);
  /// A Child's link is gone.
  void left(std::uint32_t child, bool for_good, Clock::time_point now);
  /// Closes a round that is over.
  void look(Clock::time_point now);

  /// What is to be sent since the last call, in the order of Children. They all get the present weights.
  std::vector<Answer>& answers() { return answers_; }
  /// The weights for a Child, written over `frame`. The answer to sequence 0 is the first one on a link.
  void encode(const Answer& answer, std::vector<std::byte>& frame);

  /// When the open round is over at the latest.
  std::optional<Clock::time_point> deadline() const { return state_.round_deadline(); }
  const ParentState& state() const { return state_; }
  ParentState& state() { return state_; }
  /// Children that are joined now.
  std::size_t connected() const { return connected_; }
  /// What was merged since the last take_merged().
  const MergedBelow& merged() const { return merged_; }
  MergedBelow take_merged() { return std::exchange(merged_, {}); }
  std::uint64_t staleness() const { return staleness_; }
  std::uint64_t contributions() const { return contributions_; }

 private:
  static std::string name_of(std::uint32_t child);

  /// Of a link, from its first weights on.
  struct Codecs {
    std::optional<WeightEncoder> encoder;
    std::optional<WeightDecoder> decoder;
  };

  const ParameterLayout& layout_;
  ParentState state_;
  std::vector<std::uint64_t> sessions_;   // of each Child; 0: not connected
  std::vector<std::uint64_t> sequences_;  // of each Child's contribution to the open round; 0: none
  std::vector<Answer> answers_;
  const CodecKind codec_;
  std::vector<Codecs> codecs_;  // of each Child
  std::vector<std::byte> extra_;
  MergedBelow merged_;
  std::size_t connected_ = 0;
  std::uint64_t next_session_ = 1, staleness_ = 0, contributions_ = 0;
};

}  // namespace genkidama::sim
