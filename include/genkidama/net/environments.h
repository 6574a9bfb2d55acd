#pragma once

/// @file
/// Environments on other machines (Espeholt et al. 2020, "SEED RL"): a server trains, and hosts step its
/// environments. Observations and actions cross the links, weights never do.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/net/limits.h"
#include "genkidama/net/security.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How a server takes part.
struct HostedEnvironmentsOptions {
  std::vector<Endpoint> listen;     ///< where hosts are accepted; at least one
  std::string name = "server";      ///< 1 to 64 printable ASCII characters, for people
  int workers = 1;                  ///< of the trainer, >= 1
  int environments_per_worker = 1;  ///< as Hyperparameters::environments_per_worker
  LinkLimits limits;                ///< deadlines and limits of the links
  LinkSecurity security;            ///< token and certificates
  /// How long nothing may come of the answers that a host owes before its link is dropped.
  Milliseconds answer_timeout{30'000};
};

/// A host that is connected.
struct EnvironmentHostStatus {
  std::string name;                ///< what it calls itself
  std::string address;             ///< where it is
  std::uint64_t environments = 0;  ///< that it offers
  std::uint64_t used = 0;          ///< of them, that the server's workers play in
  std::uint64_t steps = 0;         ///< that it has played on this link
};

/// What a server's environments have done.
struct HostedEnvironmentsStatus {
  std::uint64_t environments = 0;  ///< that the workers want
  std::uint64_t hosted = 0;        ///< of them, that a host has now
  std::uint64_t steps = 0;         ///< played by hosts
  std::uint64_t resets = 0;        ///< episodes begun by hosts
  std::uint64_t lost_steps = 0;    ///< that no host played, because it was gone or its environment failed
  std::uint64_t frames = 0;        ///< of answers
  std::uint64_t joined = 0;        ///< links of hosts, one after the other
  std::uint64_t lost_hosts = 0;    ///< of these, that ended before the run did
  /// How often an environment of a worker went on at another place, because its host was lost.
  std::uint64_t replaced = 0;
  std::uint64_t refused_peers = 0;           ///< before they had joined
  std::uint64_t refused_frames = 0;          ///< of hosts that had joined
  std::string last_refusal;                  ///< why, the last time
  std::uint64_t bytes_received = 0;          ///< of frames, without what WebSocket and TCP add
  std::uint64_t bytes_sent = 0;              ///< as above
  std::vector<EnvironmentHostStatus> hosts;  ///< connected now
};

/// A server's side. Its environments stand for those of the hosts: whoever steps one waits for the answer of
/// a host. Make it before the trainer, whose workers are forked with its shared memory; give the trainer
/// factory(); and start() it when the workers have been forked.
///
/// A host whose link is lost, whatever the reason, loses the steps that it had not answered: step() returns a
/// lost step, and the next episode is played by another environment that is free, of any host. While there is
/// none reset() waits. No frame that a host sends changes anything unless all of it is sound and asked for.
///
/// Public functions may be called from any thread.
class HostedEnvironments {
 public:
  /// Throws ArgumentError for options out of range, a spec that cannot be, no endpoint, and an endpoint that
  /// other machines reach when there is no token. `spec` is what hosts must offer.
  HostedEnvironments(HostedEnvironmentsOptions options, const EnvironmentSpec& spec);
  /// Does what stop() does. Environments that were made live on, and all their steps are lost.
  ~HostedEnvironments();
  HostedEnvironments(const HostedEnvironments&) = delete;
  HostedEnvironments& operator=(const HostedEnvironments&) = delete;

  /// Makes the environment of a worker. EnvironmentContext::keep_waiting is asked at least ten times a second
  /// while an answer is awaited. Throws ArgumentError for a worker or an index that the options do not know.
  EnvironmentFactory factory() const;

  /// Binds, listens and starts the thread. Throws IoError naming the endpoint when it cannot be bound. Never
  /// fork after this.
  void start();
  /// The ports that are bound, in the order of options.listen.
  std::vector<std::uint16_t> ports() const;
  /// Tells all hosts that the run is over, closes the links within the close timeout, and joins the thread.
  /// Whoever waits for an environment waits no longer. A second call does nothing.
  void stop(const std::string& reason = "the server ended the run");

  /// What has happened so far.
  HostedEnvironmentsStatus status() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// How a host takes part.
struct EnvironmentHostOptions {
  Endpoint connect;                    ///< the server
  std::string name = "host";           ///< 1 to 64 printable ASCII characters, for people
  int environments = 1;                ///< that it offers, 1 to 4096
  LinkLimits limits;                   ///< deadlines and limits of the link
  LinkSecurity security;               ///< token and certificates
  Milliseconds join_timeout{60'000};   ///< how long the first link may take
  Milliseconds away_timeout{600'000};  ///< how long the server may be away afterwards
  Milliseconds backoff_min{100};       ///< the first pause before dialling again; it doubles, with jitter
  Milliseconds backoff_max{10'000};    ///< the longest pause
};

/// What a host has done.
struct EnvironmentHostProgress {
  bool is_joined = false;    ///< whether there is a link now
  std::uint64_t joined = 0;  ///< links, one after the other
  std::uint64_t steps = 0;   ///< played
  std::uint64_t resets = 0;  ///< episodes begun
  std::uint64_t frames = 0;  ///< of requests
};

/// A host's side: makes its environments and does what a server asks of them, one after the other, in the
/// thread that calls run(). A thread of its own has the socket.
class EnvironmentHost {
 public:
  /// Throws ArgumentError for options out of range, and what the factory throws.
  EnvironmentHost(EnvironmentHostOptions options, const EnvironmentFactory& factory);
  ~EnvironmentHost();
  EnvironmentHost(const EnvironmentHost&) = delete;
  EnvironmentHost& operator=(const EnvironmentHost&) = delete;

  /// Plays until the server says that the run is over, and returns its reason; or until `keep_going` returns
  /// false, which is asked at least ten times a second and after each frame, but not in the middle of a step.
  /// Throws IoError when there was no link for too long, or when the server refuses this host (three times in
  /// a row, because a damaged hello can look like another one's), and what an environment throws. Once.
  std::string run(const std::function<bool(const EnvironmentHostProgress&)>& keep_going = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genkidama
