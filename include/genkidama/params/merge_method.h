#pragma once

/// @file
/// A rule for merging weights that keeps notes, which outlive the process.

#include <memory>
#include <span>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/params/change_average.h"
#include "genkidama/params/merge_rule.h"
#include "genkidama/params/saveable.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What a MergeRule is, as an object: it has a name, its notes are in the Parent's state, and it may combine
/// the contributions of a round too. make_merge_method() makes those that come with the library; derive from
/// this for one of your own that keeps notes. A rule without notes can stay a function (MergeRule).
///
/// A Parent works on a copy: clone() is asked for one before each merge, and the copy takes the object's
/// place once its result is known to be sound. So copies should share what does not change. All calls come
/// from one thread at a time.
class MergeMethod : public Saveable {
 public:
  /// The name that summary.json and the Parent's state have.
  virtual std::string name() const = 0;
  /// Returns an equal object, with the notes.
  virtual std::unique_ptr<MergeMethod> clone() const = 0;

  /// Merges a Child's weights into the Parent's in place, under the same rules as a MergeRule. The method
  /// may leave `parent` as it is, for instance while it knows too few Children.
  virtual void merge(std::span<float> parent, std::span<const float> child, const MergeContext& context) = 0;

  /// Whether combine() may be called, which rounds that Children make together need.
  virtual bool combines_rounds() const { return false; }
  /// Makes one change of the changes of a round, in place of average_changes() and under the same rules. The
  /// changes come in the order of their Children's names. Throws ArgumentError unless combines_rounds().
  virtual void combine(std::span<const WeightedChange> changes, std::span<float> mean);
};

}  // namespace genkidama
