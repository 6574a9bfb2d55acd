#pragma once

// The weights of Children that train apart from each other, and their mean. No socket, no clock.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace genkidama {

/// Each Child has weights of its own, of which this is the Parent's copy. The mean weighs each copy by the
/// environment steps that it was learnt in since its session began to be apart.
///
/// A Child that is gone stays in the mean with what it had learnt. Of sessions that may go on, the weights of
/// the kMostGone that were lost last are kept; those of older ones, and of sessions that are over, are added
/// up and cannot be told apart any more. So memory grows with the Children that are connected, and not with
/// those that ever were.
class ApartWeights {
 public:
  static constexpr std::size_t kMostGone = 64;

  /// Of networks with so many weights.
  explicit ApartWeights(std::size_t size) : gone_(size) {}

  /// A session begins with these weights. One that was lost, and whose weights are kept, goes on with its own
  /// instead. `name` gives the order in which weights are added up.
  void joined(std::uint64_t session, const std::string& name, std::span<const float> weights);
  /// Adds what the Child of a joined session has learnt in so many steps.
  void learnt(std::uint64_t session, std::span<const float> change, std::uint64_t steps);
  /// The link of a joined session is gone; for good, or until it is joined again.
  void left(std::uint64_t session, bool for_good);
  /// The present weights of a joined session's Child.
  std::span<const float> of(std::uint64_t session) const;
  /// Writes the mean, summed in double precision; leaves `out` as it is while nobody has learnt anything.
  void mean(std::span<float> out) const;

 private:
  struct Member {
    std::string name;
    std::uint64_t session = 0;
    std::uint64_t steps = 0;
    std::uint64_t lost_at = 0;  ///< 0: connected; else its number among those that were lost
    std::vector<float> weights;
  };

  std::vector<Member>::iterator find(std::uint64_t session);
  /// Adds a member's weights to those that cannot be told apart.
  void let_go(std::vector<Member>::iterator member);

  std::vector<Member> members_;   // in the order of names
  std::vector<double> gone_;      // the sum of weights times steps
  std::uint64_t gone_steps_ = 0;  // of these
  std::uint64_t losses_ = 0;
};

}  // namespace genkidama
