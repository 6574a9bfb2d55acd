#pragma once

// The training thread's side of a Child: what happens to the trainer's weights between two rounds.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/net/child.h"
#include "genkidama/params/local_trainer.h"
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
};

/// One exchange at a time is on its way. All functions in the training thread, between rounds.
class ChildExchange {
 public:
  /// All outlive it.
  ChildExchange(const ChildOptions& options, LocalTrainer& trainer, ChildMailbox& mailbox, ChildWire& wire);

  /// The Parent's first weights replace the trainer's, unless the first link went on with an earlier process'
  /// session.
  void begin();

  /// Algorithm 2's second half: sends the trainer's weights, waits, averages. Whether they were averaged.
  bool exchange(const ChildProgress& progress);

  /// The same without waiting, for ChildOptions::overlap: averages in what came since the last round, then
  /// sends, unless an exchange is still on its way. Whether anything was averaged in.
  bool exchange_overlapped(const ChildProgress& progress);
  /// After the last round: waits for what is on its way, then exchanges once more when the trainer knows more
  /// than was sent. How many answers were averaged in.
  std::uint64_t finish_overlapped(const ChildProgress& progress);

  /// The session of the last frame, or of the link that was joined.
  ChildSessionState session() const;

 private:
  struct Flight {
    ChildTicket ticket;
    std::uint64_t sequence = 0;
  };

  void read_local();
  /// Sends local_, which becomes sent_. False, and nothing changed, when no link is joined.
  bool send(const ChildProgress& progress);
  /// Ends the flight unless its answer may still come. Whether the answer came, into received_.
  bool settle(bool wait);
  /// Averages received_ into local_, which was trained on since it was sent_, and gives it to the trainer.
  bool average_in();

  const ChildOptions& options_;
  LocalTrainer& trainer_;
  ChildMailbox& mailbox_;
  ChildWire& wire_;
  std::uint64_t generation_ = 0;  ///< of the last frame
  ChildSessionState session_;
  std::uint64_t earlier_steps_ = 0, earlier_episodes_ = 0;  ///< of earlier processes
  std::optional<Flight> flight_;
  bool unsent_ = false;  ///< the last round is not in what was sent
  std::vector<float> local_, received_;
  std::shared_ptr<std::vector<float>> sent_;
};

}  // namespace genkidama
