#pragma once

/// @file
/// A zip archive whose files are stored without compression (PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12 and
/// 4.3.16). The same files give the same bytes: they have no dates.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace genkidama::run {

/// For fewer than 65,535 files and less than 4 GiB in all.
class StoredZip {
 public:
  /// Each name only once.
  void add(const std::string& name, const std::string& bytes);
  std::string bytes() const;

 private:
  std::string files_, directory_;
  std::uint16_t count_ = 0;
};

}  // namespace genkidama::run
