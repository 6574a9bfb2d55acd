#pragma once

/// @file
/// The members of a population: their weights, hyperparameters and scores, and who copies whom. No sockets,
/// no clock.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/played.h"
#include "genkidama/params/population_options.h"
#include "genkidama/params/saveable.h"

namespace GENKIDAMA_EXPORT genkidama {

/// One that trains by itself with weights and hyperparameters of its own.
struct PopulationMember {
  std::string name;            ///< nobody else's in the population
  std::vector<double> values;  ///< of the explored hyperparameters, in their order
  /// What it has sent last, or has copied since; finite.
  std::shared_ptr<const std::vector<float>> weights;
  /// The mean return of the episodes between its last two decisions; nothing before its first decision, and
  /// from a copy to the decision after it. Without a score it is not copied, and is not the best.
  std::optional<double> score;
  std::uint64_t steps = 0;      ///< environment steps that it has played in the run
  std::uint64_t decisions = 0;  ///< how often it was decided whether it copies another one
  std::uint64_t copies = 0;     ///< how often it did
  Played since_decision;        ///< what it has played since the last decision
  double returns = 0;           ///< the sum of the returns of these episodes
  /// It was given other weights, and has not sent any that it has learnt from these.
  bool is_changed = false;
};

/// Why a member's weights or hyperparameters have changed.
enum class PopulationChangeKind {
  kStart,     ///< it has begun with these hyperparameters
  kExploit,   ///< it has copied a better one and explored from there
  kDiverged,  ///< its weights or returns were no finite numbers, or out of proportion; it has copied another
              ///< one
};

/// The name of a kind: "start", "exploit" or "diverged".
const char* population_change_name(PopulationChangeKind kind);

/// What has happened to a member.
struct PopulationChange {
  PopulationChangeKind kind = PopulationChangeKind::kStart;  ///< why
  std::string member;                                        ///< its name
  std::uint64_t steps = 0;                                   ///< of the member in the run
  /// Whom it has copied; empty for a start, and for one that has diverged when there was nobody to copy: it
  /// then goes on from its own last weights that were finite.
  std::string source;
  std::optional<double> score;         ///< of the member before the change
  std::optional<double> source_score;  ///< of the source
  std::vector<double> before;          ///< its values before; empty for a start
  std::vector<double> after;           ///< its values since then
};

/// What a member has sent.
struct MemberReport {
  std::string name;                ///< one that has joined
  std::span<const float> weights;  ///< as many as the network has
  bool is_sound = true;            ///< the weights are finite and in proportion; they are not used otherwise
  Played played;                   ///< since its last report
  double mean_return = 0;          ///< of the episodes in `played`; of no meaning when there are none
};

/// Population-based training, as one who sees all members decides it: exploit by truncation selection, and
/// explore by multiplying each value by 0.8 or 1.25 (PopulationOptions). Members need not be equally far, and
/// may come and go. With the same options and the same reports in the same order it decides the same; a
/// member's draws follow from the seed, its name and the number of its decisions.
///
/// An object is used by one thread at a time. Copies share the members' weights.
class Population : public Saveable {
 public:
  /// The most members that begin.
  static constexpr std::size_t kMostMembers = 256;

  /// Makes one without members that explores nothing.
  Population() = default;
  /// Throws what PopulationOptions::check() throws.
  explicit Population(PopulationOptions options);

  /// What was given.
  const PopulationOptions& options() const { return options_; }
  /// In the order in which they began.
  const std::vector<PopulationMember>& members() const { return members_; }
  /// The member of this name; nullptr when there is none. Valid until one joins.
  const PopulationMember* find(const std::string& name) const;
  /// The member with the highest score; nullptr before there is a score.
  const PopulationMember* best() const;

  /// Begins a member with these weights, and with values that are drawn from their ranges; one that is known
  /// goes on as it is.
  void join(const std::string& name, std::span<const float> weights);
  /// Takes what a member has sent and decides, when it is ready, whether it copies another one of whom
  /// `may_be_source` says yes. Returns what has changed, with the start before the first report.
  std::vector<PopulationChange> take(const MemberReport& report,
                                     const std::function<bool(const std::string& name)>& may_be_source);

  void save(StateWriter& state) const override;
  /// Takes the members of a state. Its values are put into the present ranges. Throws LayoutError, too, when
  /// the state's population explores other hyperparameters.
  void restore(const StateReader& state) override;

 private:
  PopulationMember& at(const std::string& name);
  /// The highest of those that may be copied, the best one first, and how many of all are low.
  struct Ranks {
    std::vector<const PopulationMember*> high, low;
  };
  Ranks ranks(const PopulationMember& self,
              const std::function<bool(const std::string& name)>& may_be_source) const;
  PopulationChange copy(PopulationMember& self, const PopulationMember* source, PopulationChangeKind kind);
  std::vector<double> explored_from(const std::vector<double>& values, std::uint64_t seed) const;

  PopulationOptions options_;
  std::vector<PopulationMember> members_;
};

}  // namespace genkidama
