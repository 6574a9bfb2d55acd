#include "genkidama/run/peer_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "run/end_watch.h"
#include "run/local_run.h"
#include "run/metrics/csv_reader.h"

namespace genkidama::run {
namespace {

const std::vector<std::string> kColumns = {"neighbours",     "mixed",      "distance_mean", "distance_max",
                                           "waited_seconds", "bytes_sent", "bytes_received"};

}  // namespace

class PeerRun::Impl {
 public:
  Impl(CoreOrchestrator& trainer, RunOptions options, PeerOptions peer, RunObserver* observer)
      : run_(trainer, std::move(options), observer, run_kind::kPeer, kColumns),
        trainer_(trainer),
        options_(std::move(peer)),
        earlier_(run_.totals()) {
    options_.round_number = run_.totals().updates;
  }

  RunSummary run() {
    if (std::exchange(ran_, true))
      throw ArgumentError("PeerRun::run() was already called; make a new PeerRun");
    // The Peer is gone when this has returned: the evaluation that follows must not keep its neighbours
    // waiting.
    run_.attempt([this] {
      if (!run_.is_over()) train();
    });
    nlohmann::ordered_json extra;
    extra["workers"] = trainer_.workers();
    extra["name"] = options_.name;
    extra["rule"] = mixing_name(options_.rule);
    extra["exchanges"] = run_.totals().exchanges;
    extra["reconnects"] = run_.totals().reconnects;
    extra["codec"] = codec_name(options_.codec);
    extra["bytes_sent"] = last_.bytes_sent;
    extra["bytes_received"] = last_.bytes_received;
    extra["waited_seconds"] = last_.waited_seconds;
    extra["distance_mean"] = compared_ > 0 ? distance_sum_ / static_cast<double>(compared_) : 0;
    extra["distance_max"] = distance_max_;
    // A run that was over already has compared nothing; what it was told stays.
    const nlohmann::ordered_json before = trained_ ? nlohmann::ordered_json() : earlier_summary();
    extra["neighbours"] = nlohmann::ordered_json::array();
    for (const PeerNeighbourStatus& each : neighbours_) {
      extra["neighbours"].push_back({{"name", each.name},
                                     {"address", each.address},
                                     {"flow", flow_name(each.flow)},
                                     {"connected", each.connected},
                                     {"mixed", each.mixed},
                                     {"distance", each.distance}});
    }
    for (const char* key : {"distance_mean", "distance_max", "neighbours"})
      if (before.is_object() && before.contains(key)) extra[key] = before[key];
    return run_.finish("peer", extra);
  }

 private:
  /// Of the rounds of earlier processes.
  void take_up_distances() {
    CsvReader reader(run_.files().directory().metrics());
    const auto mixed = reader.column("mixed"), mean = reader.column("distance_mean"),
               most = reader.column("distance_max");
    if (!mixed || !mean || !most) return;
    for (CsvRow row; reader.next(row);) {
      if (number_in(row[*mixed]).value_or(0) > 0)
        count_distances(number_in(row[*mean]).value_or(0), number_in(row[*most]).value_or(0));
    }
  }

  void count_distances(double mean, double most) {
    ++compared_;
    distance_sum_ += mean;
    distance_max_ = std::max(distance_max_, most);
  }

  nlohmann::ordered_json earlier_summary() const {
    std::ifstream file(run_.files().directory().summary(), std::ios::binary);
    return nlohmann::ordered_json::parse(file, nullptr, /*allow_exceptions=*/false);
  }

  void train() {
    trained_ = true;
    take_up_distances();
    Peer peer(options_, trainer_);
    peer.start();
    if (options_.listen) {
      const std::uint16_t port = peer.port();
      log(LogLevel::kInfo, "{} listens on port {}", options_.name, port);
      run_.observer().on_listening({&port, 1});
    }
    const EndWatch<Peer> watch(run_, peer);
    try {
      peer.run([this, &peer](const PeerProgress& progress) {
        record(progress);
        neighbours_ = peer.neighbours();
        run_.observer().on_links({.peer = &progress, .neighbours = neighbours_});
        return !run_.is_over();
      });
    } catch (const StoppedError&) {
      count(peer.progress());
      throw;
    }
    count(peer.progress());
  }

  void record(const PeerProgress& progress) {
    const PeerProgress before = std::exchange(last_, progress);
    count(progress);
    if (progress.mixed > 0) count_distances(progress.distance_mean, progress.distance_max);
    run_.record(progress.round,
                {fmt::format("{}", progress.connected), fmt::format("{}", progress.mixed),
                 fmt::format("{:.6g}", progress.distance_mean), fmt::format("{:.6g}", progress.distance_max),
                 fmt::format("{:.6g}", progress.waited_seconds - before.waited_seconds),
                 fmt::format("{}", progress.bytes_sent - before.bytes_sent),
                 fmt::format("{}", progress.bytes_received - before.bytes_received)});
  }

  void count(const PeerProgress& progress) {
    run_.count_exchanges(earlier_.exchanges + progress.exchanges, earlier_.reconnects + progress.reconnects);
    last_ = progress;
  }

  LocalRun run_;
  CoreOrchestrator& trainer_;
  PeerOptions options_;
  const RunTotals earlier_;  // of earlier processes
  PeerProgress last_;        // of this process
  std::vector<PeerNeighbourStatus> neighbours_;
  double distance_sum_ = 0, distance_max_ = 0;
  std::uint64_t compared_ = 0;
  bool trained_ = false;
  bool ran_ = false;
};

PeerRun::PeerRun(CoreOrchestrator& trainer, RunOptions options, PeerOptions peer, RunObserver* observer)
    : impl_(std::make_unique<Impl>(trainer, std::move(options), std::move(peer), observer)) {}

PeerRun::~PeerRun() = default;

RunSummary PeerRun::run() {
  return impl_->run();
}

}  // namespace genkidama::run
