#pragma once

// Episodes that go on in the next round (RoundEnd::kStep), as they lie in shared memory: what it takes to
// play each of them again up to where it was.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "genkidama/ipc/shared_array.h"
#include "genkidama/params/saveable.h"

namespace genkidama {

/// One slot for each environment of each worker. A worker writes its own slots, the lead reads and restores
/// them while all workers wait.
class UnfinishedEpisodes : public Saveable {
 public:
  /// How many floats the things have that a slot holds, and how many actions it has room for.
  struct Sizes {
    std::size_t actions = 0;
    std::size_t action = 0;
    std::size_t observation = 0;
    std::size_t state = 0;  ///< what a network with memory carries
  };
  /// Longer episodes are not kept.
  static constexpr std::size_t kMostActions = 16'384;

  /// Throws IoError.
  UnfinishedEpisodes(std::size_t slots, const Sizes& sizes);

  /// An episode has started in a slot.
  void start(std::size_t slot, std::uint64_t seed);
  /// It was played one step further.
  void add(std::size_t slot, std::span<const float> action);
  /// It has ended, or is not to go on.
  void end(std::size_t slot);
  /// The round ends before it does.
  void pause(std::size_t slot, std::span<const float> observation, std::span<const float> state);

  /// An episode that a round left unfinished. Valid until the slot's next episode starts.
  struct Episode {
    std::uint64_t seed = 0;
    std::size_t steps = 0;
    std::span<const float> actions;      ///< [steps, action width]
    std::span<const float> observation;  ///< the latest one
    std::span<const float> state;        ///< what a network with memory carries
  };
  /// Nothing where none was left unfinished, or where a worker ended in the middle of a round.
  std::optional<Episode> paused(std::size_t slot) const;

  /// How often restore() was called: what a worker has in its own memory is of another run since then.
  std::uint64_t restores() const { return restores_[0]; }

  void save(StateWriter& state) const override;
  /// Takes as many slots as there are, and as the state has. Throws LayoutError for other sizes.
  void restore(const StateReader& state) override;
  /// Reads a state whose unfinished episodes are not gone on with.
  static void leave_out(const StateReader& state);

 private:
  enum class Stage : std::uint64_t { kNone, kPlaying, kPaused };
  struct Head {
    Stage stage = Stage::kNone;
    std::uint64_t seed = 0;
    std::uint64_t steps = 0;
  };
  std::span<float> part(const SharedArray<float>& all, std::size_t slot, std::size_t floats) const {
    return all.span().subspan(slot * floats, floats);
  }

  Sizes sizes_;
  SharedArray<Head> heads_;
  SharedArray<float> actions_;
  SharedArray<float> observations_;
  SharedArray<float> states_;
  SharedArray<std::uint64_t> restores_;
};

}  // namespace genkidama
