// Input: the text of a message.

#include "fuzz/targets.h"
#include "genkidama/wire/message.h"

namespace genkidama::fuzz {

void message(Input input) {
  const auto decoded = decode_message(text_of(input));
  if (!decoded.ok()) {
    require_printable(decoded.reason());
    return;
  }
  const std::string text = encode_message(decoded.value());
  const auto again = decode_message(text);
  require(again.ok(), "what is encoded can be decoded");
  require(again.value().index() == decoded.value().index(), "it stays the same kind of message");
  require(encode_message(again.value()) == text, "and the same message");
}

}  // namespace genkidama::fuzz
