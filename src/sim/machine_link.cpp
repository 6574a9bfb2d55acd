#include "sim/machine_link.h"

#include <algorithm>

namespace genkidama::sim {

Passage MachineLink::send(const Passage& in, std::size_t message, Random& random, std::size_t opening) {
  const Passage out = up_.pass(in, bytes_on_wire(message));
  const Clock::duration delay = delay_of(model_, std::min(message, opening), random);
  return {partitions_.arrival(in.first, out.first + delay), partitions_.arrival(in.first, out.last + delay)};
}

Clock::time_point MachineLink::receive(const Passage& sent, std::size_t message, Random& random,
                                       std::size_t opening) {
  const Clock::time_point last = down_.pass(sent, bytes_on_wire(message)).last;
  return partitions_.arrival(sent.first, last + delay_of(model_, std::min(message, opening), random));
}

}  // namespace genkidama::sim
