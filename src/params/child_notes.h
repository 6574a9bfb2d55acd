#pragma once

/// @file
/// What a merge rule remembers of each Child.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/params/merge_methods.h"
#include "genkidama/params/merge_rule.h"
#include "genkidama/params/saveable.h"

namespace genkidama {

/// One note for each Child, in the order of names. A note is forgotten when its Child leaves. Sessions have
/// other numbers after a restart of the Parent, so what was restored is known by name only: such a note
/// counts until that name brings another, and for at most four merges for each that was restored.
template <typename Note>
class ChildNotes {
 public:
  struct Entry {
    std::string child;
    std::uint64_t session = 0;  ///< 0: of an earlier process
    std::uint64_t update = 0;   ///< when it came
    Note note{};
  };

  const std::vector<Entry>& entries() const { return entries_; }

  /// Takes this Child's note, and forgets those of Children that have gone.
  void put(const MergeContext& context, Note note) {
    std::erase_if(entries_, [&](const Entry& entry) {
      if (entry.session == context.session || entry.child == context.child) return true;
      if (entry.session == 0) return context.update > restored_until_;
      return !std::binary_search(context.present.begin(), context.present.end(), entry.session);
    });
    if (entries_.size() >= kMostVotes) {
      entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                      [](const Entry& a, const Entry& b) { return a.update < b.update; }));
    }
    const auto place =
        std::lower_bound(entries_.begin(), entries_.end(), context.child,
                         [](const Entry& entry, const std::string& child) { return entry.child < child; });
    entries_.insert(place, {context.child, context.session, context.update, std::move(note)});
  }

  /// Names and updates; the notes are the rule's business.
  void save(StateWriter& state) const {
    if (entries_.empty()) return;
    std::string names;
    std::vector<std::uint64_t> updates;
    for (const Entry& entry : entries_) {
      for (const char byte : entry.child) names += byte >= ' ' && byte <= '~' ? byte : '?';
      names += '\n';
      updates.push_back(entry.update);
    }
    state.text("merge_children", names);
    state.u64s("merge_updates", updates);
  }

  /// Notes as many as `note_of(index)` is asked for, or none.
  template <typename NoteOf>
  void restore(const StateReader& state, std::size_t count, const NoteOf& note_of) {
    const std::string names = state.text("merge_children");
    const std::vector<std::uint64_t> updates = state.u64s("merge_updates");
    std::vector<Entry> entries;
    for (std::size_t begin = 0; begin < names.size() && entries.size() < count;) {
      const std::size_t end = std::min(names.find('\n', begin), names.size());
      entries.push_back({names.substr(begin, end - begin), 0, 0, {}});
      begin = end + 1;
    }
    if (entries.size() != count || updates.size() != count || count > kMostVotes ||
        static_cast<std::size_t>(std::count(names.begin(), names.end(), '\n')) != count) {
      throw FormatError(state.source() +
                        ": its notes of the merge rule have other numbers of names, updates and values");
    }
    std::uint64_t latest = 0;
    for (std::size_t i = 0; i < count; ++i) {
      entries[i].update = updates[i];
      entries[i].note = note_of(i);
      latest = std::max(latest, updates[i]);
    }
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& a, const Entry& b) { return a.child < b.child; });
    restored_until_ = latest + 4 * count;
    entries_ = std::move(entries);
  }

  void clear() { entries_.clear(); }

 private:
  std::vector<Entry> entries_;
  std::uint64_t restored_until_ = 0;
};

}  // namespace genkidama
