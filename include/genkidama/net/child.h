#pragma once

/// @file
/// The Child: trains on its machine and exchanges weights with its Parent after every round (thesis,
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
#include "genkidama/params/local_trainer.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Names a Child's session with its Parent, for a later process that goes on with it.
struct ChildSessionState {
  std::string run_id;          ///< the Parent's; empty: no session
  std::uint64_t session = 0;   ///< the Parent's number
  std::uint64_t sequence = 0;  ///< of the last weights sent in it
  /// Played by the Child, whichever its process, as told to the Parent with those weights.
  std::uint64_t environment_steps = 0;
  /// The same of episodes.
  std::uint64_t episodes = 0;
};

/// How a Child takes part.
struct ChildOptions {
  std::optional<Endpoint> connect;  ///< a listening Parent; exactly one of the two
  std::optional<Endpoint> listen;   ///< where a Parent that dials is accepted
  double beta = 0;                  ///< weight of the Parent's weights in the Child's, in [0, 1]
  /// Train on while an exchange is on its way, instead of waiting for its answer as the thesis does. At the
  /// end of a round W is sent; the answer W_P that came by the end of a later one changes the weights, which
  /// have gone on from W to W', to (1-beta) W + beta W_P + (W' - W). So no local step is lost, and the
  /// average comes a round late. Until the answer came nothing more is sent. At the end of the run the Child
  /// waits for what is on its way, and sends its last weights if they are not in it. An exchange whose link
  /// is lost changes nothing, as without `overlap`.
  bool overlap = false;
  /// For the Parent's log and files: 1 to 64 printable ASCII characters.
  std::string name = "child";
  /// ChildProgress::session of an earlier process of this Child, whose trainer was given the weights that it
  /// had then. If the Parent goes on with that session they are kept; else its first ones replace them, as
  /// for a new Child. Counts of steps and episodes that the Parent is told go on in either case.
  std::optional<ChildSessionState> resume;
  /// Of its link.
  LinkLimits limits;
  /// Of its link.
  LinkSecurity security;
  /// To the first weights from a Parent, at the start only. While they are on their way it does not count.
  Milliseconds join_timeout{60'000};
  /// How long nothing of an exchange may move, neither weights nor answer: then the link is dropped and made
  /// anew. Longer, when the exchanges before it took long or the last ones came to nothing.
  Milliseconds exchange_timeout{30'000};
  Milliseconds backoff_min{100};  ///< first pause before dialling again; doubles, with jitter
  /// Longest pause.
  Milliseconds backoff_max{10'000};
};

/// What a Child has done so far, after each round.
struct ChildProgress {
  /// The latest.
  RoundReport round;
  /// Rounds trained.
  std::uint64_t rounds = 0;
  /// Steps played.
  std::uint64_t environment_steps = 0;
  /// Episodes played.
  std::uint64_t episodes = 0;
  /// Answers of the Parent that were averaged in.
  std::uint64_t exchanges = 0;
  /// Weights that the Parent is known to have merged: it answered, or told so when the link was made anew
  /// after the answer was lost.
  std::uint64_t merges = 0;
  /// Links made anew after one was lost.
  std::uint64_t reconnects = 0;
  bool connected = false;     ///< whether one was at the end of this round
  ChildSessionState session;  ///< the latest; for ChildOptions::resume
};

/// Runs the exchange for one LocalTrainer. The sockets live on a thread of their own, started by run(); the
/// trainer is used only by the thread that calls run(). A trainer that forks must have forked before run().
class Child {
 public:
  /// Throws ArgumentError for a beta outside [0, 1], unless exactly one of connect and listen is set, or for
  /// an endpoint to listen at that other machines reach, without a token.
  /// `trainer` must outlive the Child.
  Child(ChildOptions options, LocalTrainer& trainer);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Binds options.listen now, so that its port is known before run(). Throws IoError when it is in use.
  /// Called by run() if it was not called before. Never fork after this.
  void start();
  /// The bound port when listening, else 0.
  std::uint16_t port() const;

  /// Joins, then trains round after round until `keep_going` returns false, the Parent ends the run, or
  /// request_stop(). The first weights from the Parent replace the trainer's. When the link is lost, training
  /// goes on and the link is made anew in the background; the Child then keeps its own weights and goes on
  /// exchanging, in the same session when the Parent still knows it: nothing is merged twice, and what was
  /// lost is in the next weights. Returns why it ended. To be called once; when it returns or throws, the
  /// Parent was told and the socket thread has ended. Throws IoError when no Parent was joined within
  /// join_timeout or the Parent refused this Child for good (weights that are not finite, another protocol),
  /// LayoutError when it refused this network, and whatever the trainer throws. Another protocol or network
  /// is believed only of the third link in a row that it was refused on: without TLS, bits that were flipped
  /// on the way can make a sound Child look like that.
  std::string run(const std::function<bool(const ChildProgress&)>& keep_going = {});

  /// As `keep_going` was told last; after run(), with the exchanges that were completed after the last round.
  /// For the thread that calls run().
  const ChildProgress& progress() const;

  /// Makes run() return after the current round. Any thread; not a signal handler.
  void request_stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genkidama
