#include <unistd.h>

#include <utility>

#include "genkidama/run/loopback_peers.h"
#include "run/cluster/ready_pipe.h"

namespace genkidama::run {

PeerStart::PeerStart(int ready_fd, std::function<bool()> give_up)
    : descriptor_(ready_fd), give_up_(std::move(give_up)) {}

PeerStart::~PeerStart() {
  if (descriptor_ >= 0) close(descriptor_);
}

void PeerStart::on_listening(std::span<const std::uint16_t> ports) {
  if (descriptor_ < 0) return;
  tell_port(descriptor_, ports);
}

std::size_t PeerStart::await(std::size_t otherwise) {
  if (descriptor_ < 0) return otherwise;
  const auto neighbours = read_number(descriptor_, [this] { return give_up_ && give_up_(); });
  close(std::exchange(descriptor_, -1));
  return neighbours ? static_cast<std::size_t>(*neighbours) : otherwise;
}

}  // namespace genkidama::run
