#pragma once

// The training thread's side of a Child: what happens to the trainer's weights between two rounds.

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

namespace genkidama {

/// Weights for the Parent. Nobody changes them before they are answered or given up.
struct OutgoingWeights {
  std::uint64_t generation = 0;  ///< of the link they are for
  FrameHeader header;
  std::shared_ptr<const std::vector<float>> weights;
};

/// The way to the io thread.
class ChildWire {
 public:
  virtual ~ChildWire() = default;
  /// The answer comes to the mailbox, or the loss of the link. Ignored when the link is gone.
  virtual void send(OutgoingWeights out) = 0;
  /// Whom this Child dials, or where it listens, for an error: "at HOST:PORT".
  virtual std::string where() const = 0;
};

/// One exchange at a time is on its way. All functions in the training thread, between rounds.
class ChildExchange final : public Exchange {
 public:
  /// All outlive it.
  ChildExchange(const ChildOptions& options, ChildMailbox& mailbox, ChildWire& wire);

  /// Waits for a Parent. Its first weights replace the trainer's, unless the first link went on with an
  /// earlier process' session.
  void begin(LocalTrainer& trainer) override;

  /// Algorithm 2's second half: sends the trainer's weights, waits, averages. With ChildOptions::overlap it
  /// does not wait: it averages in what came since the last round, then sends, unless an exchange is still on
  /// its way.
  ExchangeReport after_round(LocalTrainer& trainer, const RoundReport& round) override;

  /// With ChildOptions::overlap: waits for what is on its way, then exchanges once more when the trainer
  /// knows more than was sent.
  ExchangeReport finish(LocalTrainer& trainer) override;

  std::optional<std::string> over() const override;

  /// The session of the last frame, or of the link that was joined.
  ChildSessionState session() const { return session_; }

 private:
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

  /// Whether weights were averaged in.
  bool exchange(LocalTrainer& trainer);
  bool exchange_overlapped(LocalTrainer& trainer);

  void read_local(const LocalTrainer& trainer);
  /// Sends local_, which becomes sent_. False, and nothing changed, when no link is joined.
  bool send();
  /// Ends the flight unless its answer may still come. Whether the answer came, into received_.
  bool collect_answer(bool wait);
  /// Averages received_ into local_, which was trained on since it was sent_, and gives it to the trainer.
  bool average_in(LocalTrainer& trainer);

  const ChildOptions& options_;
  ChildMailbox& mailbox_;
  ChildWire& wire_;
  std::uint64_t generation_ = 0;  ///< of the last frame
  ChildSessionState session_;
  Played since_child_began_;
  Returns unsent_returns_;  ///< of the episodes that ended since the last frame
  Returns
      unanswered_returns_;  ///< of those in frames that were not answered, which the next frame tells again
  double mean_return_ = 0;  ///< of the last frame
  std::optional<Flight> flight_;
  bool unsent_ = false;  ///< the last round is not in what was sent
  std::vector<float> local_, received_;
  std::shared_ptr<std::vector<float>> sent_;
};

}  // namespace genkidama
