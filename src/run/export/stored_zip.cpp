#include "run/export/stored_zip.h"

#include <boost/crc.hpp>

namespace genkidama::run {
namespace {

constexpr std::uint32_t kFile = 0x04034b50, kEntry = 0x02014b50, kEnd = 0x06054b50;
constexpr std::uint16_t kVersion = 20;       // 2.0, the first with folders
constexpr std::uint32_t kNoDate = 0x210000;  // 1 January 1980, midnight: there is none before
/// LibTorch's writer begins the bytes of each file at a multiple of this, so that its reader can map them.
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHeader = 30, kExtraHeader = 4;

void little(std::string& bytes, std::uint32_t value, int count) {
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
}

/// What the local header and the entry of the directory share.
std::string common(std::uint32_t crc, std::size_t size, std::size_t name) {
  std::string bytes;
  little(bytes, 0, 2);  // no flags
  little(bytes, 0, 2);  // stored
  little(bytes, kNoDate, 4);
  little(bytes, crc, 4);
  little(bytes, static_cast<std::uint32_t>(size), 4);  // packed
  little(bytes, static_cast<std::uint32_t>(size), 4);
  little(bytes, static_cast<std::uint32_t>(name), 2);
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
  little(files_, kFile, 4);
  little(files_, kVersion, 2);
  files_ += fields;
  little(files_, static_cast<std::uint32_t>(kExtraHeader + padding), 2);
  files_ += name;
  files_ += "FB";  // the extra field's identifier, as LibTorch's writer calls its padding
  little(files_, static_cast<std::uint32_t>(padding), 2);
  files_.append(padding, 'Z');
  files_ += bytes;

  little(directory_, kEntry, 4);
  little(directory_, kVersion, 2);  // made by
  little(directory_, kVersion, 2);
  directory_ += fields;
  little(directory_, 0, 2);  // extra field
  little(directory_, 0, 2);  // comment
  little(directory_, 0, 2);  // disk
  little(directory_, 0, 2);  // internal attributes
  little(directory_, 0, 4);  // external attributes
  little(directory_, start, 4);
  directory_ += name;
  ++count_;
}

std::string StoredZip::bytes() const {
  std::string all = files_ + directory_;
  little(all, kEnd, 4);
  little(all, 0, 4);  // disks
  little(all, count_, 2);
  little(all, count_, 2);
  little(all, static_cast<std::uint32_t>(directory_.size()), 4);
  little(all, static_cast<std::uint32_t>(files_.size()), 4);
  little(all, 0, 2);  // comment
  return all;
}

}  // namespace genkidama::run
