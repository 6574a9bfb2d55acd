#pragma once

// The training thread's side of a Child: what happens to the trainer's weights between two rounds. What both
// kinds of exchange share is here.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/net/child.h"
#include "genkidama/params/exchange.h"
#include "genkidama/wire/frame.h"
#include "net/child/child_mailbox.h"
#include "net/role_words.h"

namespace genkidama {

/// Weights, or a change of weights, for the Parent. Nobody changes them before they are answered or given up.
struct OutgoingWeights {
  std::uint64_t generation = 0;  ///< of the link they are for; 0 before send(): of any
  FrameHeader header;
  std::shared_ptr<const std::vector<float>> weights;
  RunningStatistics own_statistics;
  std::uint64_t change_steps = 0;  ///< of a change: the steps that it was learnt from
  OptimizerMoments moments{};      ///< with a change, where moments are averaged
  /// Of an actor, in place of weights: what encode_segments() wrote.
  std::shared_ptr<const std::vector<std::byte>> segments{};
};

/// The way to the io thread.
class ChildWire {
 public:
  virtual ~ChildWire() = default;
  /// The answer comes to the mailbox, or the loss of the link. Ignored when the link is gone.
  virtual void send(OutgoingWeights out) = 0;
  /// Whom this Child dials, or where it listens, for an error: "at HOST:PORT".
  virtual std::string where() const = 0;
  /// What messages call its two ends.
  virtual RoleWords words() const = 0;
};

/// One exchange at a time is on its way. All functions in the training thread, between rounds. after_round()
/// is send_round(), a wait for the answer if there is something to wait for, and take_answer(). Whoever
/// cannot wait, as a simulation in which time is a number, calls the two halves.
class ChildExchange : public Exchange {
 public:
  /// The exchange that the options ask for. All outlive it.
  static std::unique_ptr<ChildExchange> make(const ChildOptions& options, ChildMailbox& mailbox,
                                             ChildWire& wire);

  /// The next round: what is done between two calls of after_round().
  virtual RoundReport play(LocalTrainer& trainer) { return trainer.train_round(); }
  ExchangeReport after_round(LocalTrainer& trainer, const RoundReport& round) override;
  /// The same where others have played, and only the mean return of their episodes is known.
  ExchangeReport after_playing(LocalTrainer& trainer, const Played& played, double mean_return);
  std::optional<std::string> over() const override;

  /// Counts the round and sends what is to be sent. Whether training waits for the answer.
  bool send_round(LocalTrainer& trainer, const RoundReport& round);
  /// The same for after_playing().
  bool send_playing(LocalTrainer& trainer, const Played& played, double mean_return);
  /// After a send_round() that was true: once the mailbox has the answer, or knows that none will come, this
  /// takes what came; before that it waits.
  ExchangeReport take_answer(LocalTrainer& trainer);

  /// The session of the last frame, or of the link that was joined.
  ChildSessionState session() const { return session_; }

 protected:
  ChildExchange(const ChildOptions& options, ChildMailbox& mailbox, ChildWire& wire);

  /// The first half of what is done after each round. Whether the answer must be waited for.
  virtual bool begin_exchange(LocalTrainer& trainer) = 0;
  /// The second half, which waits. Whether weights were averaged in.
  virtual bool end_exchange(LocalTrainer& trainer) = 0;

  /// Waits for a Parent; false when the run is over before. Throws IoError when nobody comes in time.
  bool wait_for_parent();
  /// The same with another limit than the options' join_timeout.
  bool wait_for_parent(Milliseconds limit);
  /// Into local_ and own_.
  void read_local(const LocalTrainer& trainer);
  /// Gives the trainer what others have counted, of what came last.
  static void take_statistics(LocalTrainer& trainer, const ParentWeights& received);
  /// Sends `out` on the joined link, with the session, the counts and the statistics filled in. False, and
  /// nothing changed, when no link is joined, or another one than `out` is for.
  bool send(OutgoingWeights out);
  /// Ends the flight unless its answer may still come. Whether the answer came, into received_.
  bool collect_answer(bool wait);
  /// The same after a wait of so long at most.
  bool collect_answer_within(Clock::duration span);

  const ChildOptions& options_;
  const RoleWords words_;
  ChildMailbox& mailbox_;
  Played since_child_began_;
  std::uint64_t generation_ = 0;  ///< of the link of the last frame
  std::vector<float> local_;
  ParentWeights received_;
  std::uint64_t averaged_ = 0;  ///< in the present call of after_round(), weights that came before it
  bool is_in_flight() const { return flight_.has_value(); }

 private:
  /// Either, with the returns counted.
  bool send_played(LocalTrainer& trainer, const Played& played);
  bool end_flight(ChildMailbox::Outcome outcome);

  struct Flight {
    ChildTicket ticket;
    std::uint64_t sequence = 0;
  };

  struct Returns {
    double sum = 0;
    std::uint64_t episodes = 0;

    void add(double episode_return) { add({episode_return, 1}); }
    void add(const Returns& other) {
      sum += other.sum;
      episodes += other.episodes;
    }
    double mean() const { return sum / static_cast<double>(episodes); }
  };

  ChildWire& wire_;
  ChildSessionState session_;
  Returns unsent_returns_;  ///< of the episodes that ended since the last frame
  Returns
      unanswered_returns_;  ///< of those in frames that were not answered, which the next frame tells again
  double mean_return_ = 0;  ///< of the last frame
  std::optional<Flight> flight_;
  double waited_seconds_ = 0;  ///< in the present call of after_round()
  RunningStatistics own_;
};

}  // namespace genkidama
