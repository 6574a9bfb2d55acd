#pragma once

/// @file
/// The text messages of the protocol: JSON objects, one per WebSocket text message.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/wire/decoded.h"

namespace GENKIDAMA_EXPORT genkidama {

/// A session that a Child had on another link and would go on with.
struct SessionMark {
  std::uint64_t session = 0;   ///< from its welcome; at most 2^53-1
  std::uint64_t sequence = 0;  ///< of the last frame that the Child sent in it; at most 2^53-1

  /// Field by field.
  friend bool operator==(const SessionMark&, const SessionMark&) = default;
};

/// First message of a link, from the Child, whoever dialled.
struct HelloMessage {
  std::string name;        ///< 1 to 64 printable ASCII characters
  std::string run_id;      ///< of the run this Child last belonged to, or empty
  std::string library;     ///< sender's software and version, for logs
  ParameterLayout layout;  ///< of the network it trains
  /// Steps that were in the last frame a Parent answered: already counted there. At most 2^53-1.
  std::uint64_t environment_steps = 0;
  std::vector<std::string> capabilities;  ///< none are defined in version 1
  /// Of the run `run_id`. A Parent that does not know it, or knows better, begins a new session.
  std::optional<SessionMark> resume{};
};

/// The Parent's answer to a hello it accepts; its weights follow.
struct WelcomeMessage {
  std::string name;                       ///< the Parent's
  std::string run_id;                     ///< of the run the Child now belongs to
  std::string library;                    ///< sender's software and version, for logs
  std::uint64_t session = 0;              ///< stands in every frame of this link; at most 2^53-1
  std::uint64_t update = 0;               ///< merges made so far; at most 2^53-1
  std::vector<std::string> capabilities;  ///< none are defined in version 1
  /// Only when `session` is the one that the hello named: of the last of its frames that was merged. The
  /// Child goes on with the next number.
  std::optional<std::uint64_t> sequence{};
};

/// Why a peer or its weights are not accepted. The sender then closes the link.
enum class RefusalCode {
  kProtocol,  ///< not this protocol, or not at this point of it
  kLayout,    ///< a different network
  kWeights,   ///< weights that are not finite or far out of proportion
  kFrame,     ///< a damaged frame
  kSequence,  ///< a frame of another session, repeated, or out of order
  kBusy,      ///< no room now; trying again later may succeed
};

/// "protocol", "layout", ...: as in the JSON.
std::string_view refusal_code_text(RefusalCode code);

/// To a peer that is not accepted.
struct RefuseMessage {
  RefusalCode code = RefusalCode::kProtocol;  ///< for the peer's program
  std::string reason;                         ///< for its user
};

/// Parent to Child: the run is over, do not come back.
struct EndMessage {
  std::string reason;  ///< for the Child's user
};

/// Child to Parent: this Child leaves for good.
struct LeaveMessage {
  std::string reason;  ///< for the Parent's log
};

/// Any of them.
using Message = std::variant<HelloMessage, WelcomeMessage, RefuseMessage, EndMessage, LeaveMessage>;

/// "hello", "welcome", ...
std::string_view message_type(const Message& message);

/// JSON text in UTF-8. Reasons are cut to kMaxReasonBytes.
std::string encode_message(const Message& message);

/// Strict about the keys it knows (types, lengths, counts, depth, no key twice); unknown keys are ignored so
/// that later versions may add some. Control characters in reasons become '?'. Throws nothing
/// but std::bad_alloc.
Decoded<Message> decode_message(std::string_view text);

/// Whether `text` may be a peer's name: 1 to kMaxNameBytes printable ASCII characters.
bool valid_peer_name(std::string_view text);

/// `text` without control characters and at most kMaxReasonBytes long, fit for a log.
std::string printable(std::string_view text);

}  // namespace genkidama
