#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "genkidama/core/clock.h"

namespace genkidama {

/// Who must stay away for a while, and for how long: longer with every offence, until it behaved for as long
/// as the longest one. Remembers a bounded number of offenders; a new one displaces whoever is free soonest.
class Quarantine {
 public:
  static constexpr std::size_t kMaxOffenders = 1024;

  /// `first` 0: nobody is ever kept away.
  Quarantine(Milliseconds first, Milliseconds longest) : first_(first), longest_(longest) {}

  /// Returns for how long.
  Milliseconds punish(const std::string& who, Clock::time_point now);
  /// Zero when it may come.
  Milliseconds left(const std::string& who, Clock::time_point now) const;
  std::size_t size() const { return offenders_.size(); }

 private:
  struct Offender {
    Milliseconds span{};
    Clock::time_point free;
  };

  void make_room(Clock::time_point now);

  Milliseconds first_, longest_;
  std::map<std::string, Offender> offenders_;
};

}  // namespace genkidama
