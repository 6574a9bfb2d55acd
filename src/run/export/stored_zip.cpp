#include "run/export/stored_zip.h"

#include <boost/crc.hpp>

#include "core/message_bytes.h"

namespace genkidama::run {
namespace {

constexpr std::uint32_t kFile = 0x04034b50, kEntry = 0x02014b50, kEnd = 0x06054b50;
constexpr std::uint16_t kVersion = 20;       // 2.0, the first with folders
constexpr std::uint32_t kNoDate = 0x210000;  // 1 January 1980, midnight: there is none before
/// LibTorch's writer begins the bytes of each file at a multiple of this, so that its reader can map them.
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHeader = 30, kExtraHeader = 4;

/// What the local header and the entry of the directory share.
std::string common(std::uint32_t crc, std::size_t size, std::size_t name) {
  std::string bytes;
  bytes += little_endian_text(std::uint16_t{0});  // no flags
  bytes += little_endian_text(std::uint16_t{0});  // stored
  bytes += little_endian_text(kNoDate);
  bytes += little_endian_text(crc);
  bytes += little_endian_text(static_cast<std::uint32_t>(size));  // packed
  bytes += little_endian_text(static_cast<std::uint32_t>(size));
  bytes += little_endian_text(static_cast<std::uint16_t>(name));
  return bytes;
}

}  // namespace

void StoredZip::add(const std::string& name, const std::string& bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  const std::string fields = common(crc.checksum(), bytes.size(), name.size());
  const auto start = static_cast<std::uint32_t>(files_.size());
  const std::size_t before = files_.size() + kHeader + name.size() + kExtraHeader;
  const std::size_t padding = (kAlignment - before % kAlignment) % kAlignment;
  files_ += little_endian_text(kFile);
  files_ += little_endian_text(kVersion);
  files_ += fields;
  files_ += little_endian_text(static_cast<std::uint16_t>(kExtraHeader + padding));
  files_ += name;
  files_ += "FB";  // the extra field's identifier, as LibTorch's writer calls its padding
  files_ += little_endian_text(static_cast<std::uint16_t>(padding));
  files_.append(padding, 'Z');
  files_ += bytes;

  directory_ += little_endian_text(kEntry);
  directory_ += little_endian_text(kVersion);  // made by
  directory_ += little_endian_text(kVersion);
  directory_ += fields;
  directory_ += little_endian_text(std::uint16_t{0});  // extra field
  directory_ += little_endian_text(std::uint16_t{0});  // comment
  directory_ += little_endian_text(std::uint16_t{0});  // disk
  directory_ += little_endian_text(std::uint16_t{0});  // internal attributes
  directory_ += little_endian_text(std::uint32_t{0});  // external attributes
  directory_ += little_endian_text(start);
  directory_ += name;
  ++count_;
}

std::string StoredZip::bytes() const {
  std::string all = files_ + directory_;
  all += little_endian_text(kEnd);
  all += little_endian_text(std::uint32_t{0});  // disks
  all += little_endian_text(count_);
  all += little_endian_text(count_);
  all += little_endian_text(static_cast<std::uint32_t>(directory_.size()));
  all += little_endian_text(static_cast<std::uint32_t>(files_.size()));
  all += little_endian_text(std::uint16_t{0});  // comment
  return all;
}

}  // namespace genkidama::run
