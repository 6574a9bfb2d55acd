#pragma once

/// @file
/// The Child: it trains on its machine and exchanges weights with its Parent after every round (thesis,
/// Algorithm 2).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/net/limits.h"
#include "genkidama/net/security.h"
#include "genkidama/params/codec_kind.h"
#include "genkidama/params/exchange_kind.h"
#include "genkidama/params/local_trainer.h"
#include "genkidama/params/played.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Names a Child's session with its Parent, for a later process that goes on with it.
struct ChildSessionState {
  std::string run_id;          ///< the Parent's run; empty when there is no session
  std::uint64_t session = 0;   ///< the Parent's number for the session
  std::uint64_t sequence = 0;  ///< the number of the last weights that were sent in it
  Played since_child_began;    ///< as told with those weights
};

/// How a Child takes part.
struct ChildOptions {
  std::optional<Endpoint> connect;  ///< a Parent that listens. Give exactly one of connect and listen
  std::optional<Endpoint> listen;   ///< where a Parent that dials is accepted
  /// The exchange to take part in, which must be the Parent's. With kRounds the Child sends what it has
  /// learnt since the Parent's last weights, waits until the Parent has closed the round, at most as long as
  /// the Parent says and exchange_timeout, and goes on with the Parent's weights.
  ///
  /// With kSegments the Child is an actor. Its trainer only plays (LocalTrainer::play_round()), as many steps
  /// as the Parent says; the Child sends what was played, waits for the weights that the Parent has learnt
  /// from it, and plays on with them. A link that is lost is waited for. Segments whose fate is not known are
  /// then sent again, unless the Parent has taken them, or does not know the session any more: then they are
  /// dropped, and the Parent is told how many steps they had.
  ///
  /// A Parent whose actors are asynchronous (ActorMode) says so when the Child joins. The Child then plays
  /// its next round, with the weights that it has, while a frame is on its way, and takes the weights of the
  /// answer when that round is played, or at once if it comes within a tenth of a round's time. So it holds
  /// two rounds at most, and waits when neither is taken.
  ///
  /// With kPopulation the Child is a member of a population. It sends its weights, waits for the Parent's
  /// answer, and then keeps them or goes on from those of a better member, with the hyperparameters that the
  /// Parent has chosen (LocalTrainer::tune()) and, with other weights, with the moments of a new optimizer.
  ExchangeKind exchange = ExchangeKind::kEach;
  /// kSegments: the most steps of a round for which the trainer has room, such as
  /// Hyperparameters::round_steps; a Parent with longer rounds refuses the Child. 0: any number.
  std::uint64_t round_steps = 0;
  /// kRounds: the moments of this machine's optimizer (LocalTrainer::moments_shape()) are averaged together
  /// with the weights. The Parent must do the same.
  bool average_moments = false;
  /// How weights travel, both ways. A lossy codec takes fewer bytes; what it leaves out of one frame comes in
  /// a later one. A Parent that does not know the codec answers in float32, and a line in the log says so.
  /// The first weights on every link are float32.
  CodecKind codec = CodecKind::kFloat32;
  double beta = 0;  ///< kEach: the weight of the Parent's weights in the Child's, in [0, 1]
  /// kEach: trains on while an exchange is on its way, instead of waiting for its answer as the thesis does.
  /// At the end of a round W is sent; the answer W_P that came by the end of a later round changes the
  /// weights, which have gone on from W to W', to (1-beta) W + beta W_P + (W' - W). So no local step is lost,
  /// and the average comes a round late. Nothing more is sent until the answer came. At the end of the run
  /// the Child waits for what is on its way, and sends its last weights if they are not in it. An exchange
  /// whose link is lost changes nothing, as without `overlap`.
  bool overlap = false;
  /// What the Parent's log and files call this Child: 1 to 64 printable ASCII characters. When another Child
  /// of that name is there already, the Parent shows this one as "name#2", and both ends log a warning.
  std::string name = "child";
  /// The ChildProgress::session of an earlier process of this Child, whose trainer was given the weights that
  /// it had then. If the Parent goes on with that session the weights are kept; otherwise the Parent's first
  /// weights replace them, as for a new Child. The counts of steps and episodes that the Parent is told go on
  /// in either case.
  std::optional<ChildSessionState> resume;
  /// Deadlines and limits of the link.
  LinkLimits limits;
  /// Token and certificates of the link.
  LinkSecurity security;
  /// How long run() waits for a Parent's first weights. The clock stops once they have begun to arrive.
  Milliseconds join_timeout{60'000};
  /// How long nothing of an exchange may move, neither weights nor answer, before the link is dropped and
  /// made anew. The Child waits longer when the exchanges before took long or the last ones came to nothing.
  Milliseconds exchange_timeout{30'000};
  /// kSegments: how long a Parent that was joined may be away before run() gives up. The Child plays nothing
  /// meanwhile.
  Milliseconds away_timeout{600'000};
  Milliseconds backoff_min{100};     ///< the first pause before dialling again; it doubles, with jitter
  Milliseconds backoff_max{10'000};  ///< the longest pause
};

/// What a Child has done so far, as of the end of a round.
struct ChildProgress {
  RoundReport round;            ///< the latest round
  std::uint64_t rounds = 0;     ///< rounds trained
  Played in_process;            ///< all rounds of this Child object
  std::uint64_t exchanges = 0;  ///< answers of the Parent that were averaged in

  /// How often the Parent is known to have merged weights of this Child. The Parent answered, or said so when
  /// the link was made anew after the answer was lost.
  std::uint64_t merges = 0;
  std::uint64_t reconnects = 0;      ///< links made anew after one was lost
  bool connected = false;            ///< whether an answer was averaged in after the latest round
  double waited_seconds = 0;         ///< how long training has waited for answers
  std::uint64_t bytes_sent = 0;      ///< frames of weights, with their headers
  std::uint64_t bytes_received = 0;  ///< as above
  ChildSessionState session;         ///< the latest session, for ChildOptions::resume
};

/// Runs the exchange for one LocalTrainer. The sockets live on a thread of their own, which run() starts; the
/// trainer is used only by the thread that calls run(). A trainer that forks must have forked before run().
class Child {
 public:
  /// Throws ArgumentError for a beta outside [0, 1], for `overlap` together with another exchange than kEach,
  /// for average_moments with another one than kRounds, for a lossy codec with kPopulation, for a trainer
  /// whose moments have an impossible shape, unless exactly one of connect and listen is set, and for an
  /// endpoint to listen at that other machines reach when there is no token. `trainer` must outlive the
  /// Child.
  Child(ChildOptions options, LocalTrainer& trainer);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Binds options.listen now, so that its port is known before run(). Throws IoError when it is in use.
  /// run() calls it if nobody else did. Never fork after this.
  void start();
  /// The bound port of a Child that listens, else 0.
  std::uint16_t port() const;

  /// Joins, then trains round after round until `keep_going` returns false, the Parent ends the run, or
  /// request_stop() was called. The Parent's first weights replace the trainer's. When the link is lost,
  /// training goes on and the link is made anew in the background; the Child then keeps its own weights and
  /// goes on exchanging, in the same session when the Parent still knows it: nothing is merged twice, and
  /// what was lost is in the next weights. With ExchangeKind::kRounds a Child whose session the Parent does
  /// not know any more takes the Parent's present weights, and takes part again from its next round on. With
  /// ExchangeKind::kPopulation it takes its member's weights as the Parent has them.
  ///
  /// With ExchangeKind::kSegments nothing is played while no link is joined. IoError is thrown when none
  /// comes back within away_timeout.
  ///
  /// Returns why the run ended. To be called once; when it returns or throws, the Parent was told and the
  /// socket thread has ended. Throws IoError when no Parent was joined within join_timeout or the Parent
  /// refused this Child for good (weights that are not finite, another protocol), LayoutError when the Parent
  /// refused this network, and whatever the trainer throws. The Child believes that it has another protocol
  /// or network only when three links in a row were refused so: without TLS, bits that were flipped on the
  /// way can make a sound Child look like that.
  std::string run(const std::function<bool(const ChildProgress&)>& keep_going = {});

  /// What `keep_going` was told last; after run(), with the exchanges that were completed after the last
  /// round. For the thread that calls run().
  const ChildProgress& progress() const;

  /// Makes run() return after the current round. May be called from any thread, but not from a signal
  /// handler.
  void request_stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genkidama
