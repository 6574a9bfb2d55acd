#pragma once

/// @file
/// The part of Python's pickle protocol 2 (PEP 307; Lib/pickletools.py names the codes) that LibTorch's files
/// take: a program for a machine with a stack, each function an instruction.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/message_bytes.h"

namespace genkidama::run {

class Pickle {
 public:
  void global(std::string_view module, std::string_view name) {
    code('c');
    bytes_.append(module).append("\n").append(name).append("\n");
  }
  /// At most 65,535 bytes of UTF-8.
  void text(std::string_view text) {
    code('X');
    bytes_ += little_endian_text(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
  }
  /// Below 2^31.
  void number(std::int64_t value) {
    code('J');
    bytes_ += little_endian_text(static_cast<std::uint32_t>(value));
  }
  /// A tuple of them.
  void numbers(const std::vector<std::int64_t>& values) {
    mark();
    for (const std::int64_t value : values) number(value);
    tuple();
  }
  void falsehood() { code('\x89'); }
  void mark() { code('('); }
  void tuple() { code('t'); }  ///< of all since the mark
  void empty_tuple() { code(')'); }
  void empty_dictionary() { code('}'); }
  void set_items() { code('u'); }   ///< keys and values since the mark, into the dictionary before it
  void call() { code('R'); }        ///< what is below the tuple, with it
  void make() { code('\x81'); }     ///< an object of the class below the tuple
  void build() { code('b'); }       ///< gives the object below the dictionary its fields
  void persistent() { code('Q'); }  ///< what the tuple names, from outside of the pickle

  std::string bytes() const { return bytes_ + "."; }

 private:
  void code(char code) { bytes_.push_back(code); }

  std::string bytes_ = "\x80\x02";
};

}  // namespace genkidama::run
