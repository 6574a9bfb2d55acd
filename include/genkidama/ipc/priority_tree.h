#pragma once

/// @file
/// A sum tree in shared memory: priorities that many workers change at once, and from which rows are drawn in
/// proportion to them.

#include <cstddef>
#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/ipc/shared_array.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Each node of the tree is the sum of 16 below it, which lie side by side in one line of a processor's
/// cache: a million leaves have five levels. Make the tree before the fork.
///
/// There are no locks. Whoever changes a leaf sums up again what stands above it, and looks once more whether
/// somebody else has changed one of the summands meanwhile; whoever changes one last also writes the sum
/// last. So sums are right whenever nobody is writing, up to the rounding of one float. A worker that is
/// killed between a leaf and a sum leaves a sum that is wrong by that change until a neighbouring leaf is
/// written, or rebuild() is called: some rows are then drawn a little too often or too rarely, and nothing
/// else happens.
class PriorityTree {
 public:
  /// How many nodes are summed up by the one above them.
  static constexpr std::size_t kFanOut = 16;

  /// Makes `leaves` priorities of 0. Throws ArgumentError for no leaves, and IoError as SharedMapping does.
  explicit PriorityTree(std::size_t leaves);

  /// The number of leaves.
  std::size_t size() const { return leaves_; }
  /// The bytes of shared memory that a tree with so many leaves takes.
  static std::size_t bytes(std::size_t leaves);

  /// Changes one priority. Throws ArgumentError, and changes nothing, unless the priority is finite and at
  /// least 0, and when there is no such leaf.
  void set(std::size_t leaf, float priority);
  /// The priority of a leaf. Throws ArgumentError when there is no such leaf.
  float get(std::size_t leaf) const;
  /// The sum of all priorities.
  float total() const;

  /// Finds the leaf at `mass`, in [0, total()), when the priorities are laid side by side. It is a leaf with
  /// a priority above 0, unless somebody changes the tree meanwhile or all priorities are 0: look at get().
  std::size_t find(float mass) const;
  /// Finds the leaves at several masses, which are spent, at once: as many as there is room for in `leaves`.
  /// That takes less time, for the processor fetches the nodes of all of them while it looks at the first.
  void find(std::span<float> masses, std::span<std::size_t> leaves) const;

  /// Computes all sums anew. Others may draw and write meanwhile.
  void rebuild();

 private:
  void check_leaf(std::size_t leaf) const;
  float sum_of_group(std::size_t level, std::size_t group) const;
  void sum_up(std::size_t level, std::size_t group);

  std::size_t leaves_;
  std::vector<std::size_t> starts_;  ///< the first node of each level, the leaves' first, the root's last
  std::vector<std::size_t> counts_;  ///< nodes of each level, without those that fill up the last group
  SharedArray<float> nodes_;
};

}  // namespace genkidama
