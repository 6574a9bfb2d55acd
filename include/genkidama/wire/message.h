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
#include "genkidama/params/optimizer_moments.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/policy_description.h"
#include "genkidama/params/weight_shards.h"
#include "genkidama/wire/decoded.h"

namespace GENKIDAMA_EXPORT genkidama {

/// A session that a Child had on another link and would like to go on with.
struct SessionMark {
  std::uint64_t session = 0;   ///< its number, from the welcome; at most 2^53-1
  std::uint64_t sequence = 0;  ///< the number of the last frame that the Child sent in it; at most 2^53-1

  /// Compares field by field.
  friend bool operator==(const SessionMark&, const SessionMark&) = default;
};

/// What a peer says of itself in its hello, besides what a Child says.
struct PeerHello {
  std::uint64_t instance = 0;  ///< drawn at random by each process of a peer; at most 2^53-1
  std::string rule;            ///< of averaging, as mixing_name()
  std::string flow = "both";  ///< what the sender does with weights on this link: "both", "sends", "receives"
  std::uint64_t round = 0;    ///< of the sender's weights; at most 2^53-1
  std::uint64_t neighbours = 0;  ///< whom the sender averages with now; at most 2^53-1
  /// Of the weights with which the sender's run began, so that both ends see whether these were the same.
  std::uint64_t first_weights = 0;

  /// Compares field by field.
  friend bool operator==(const PeerHello&, const PeerHello&) = default;
};

/// The first message of a link. The Child sends it, whoever dialled; of two peers each sends one.
struct HelloMessage {
  std::string name;        ///< what the Child calls itself: 1 to 64 printable ASCII characters
  std::string run_id;      ///< the run that this Child last belonged to, or empty
  std::string library;     ///< the sender's software and version, for logs
  ParameterLayout layout;  ///< describes the network that it trains
  /// Steps in the last frame that a Parent answered, which has counted them already. At most 2^53-1.
  std::uint64_t environment_steps = 0;
  std::vector<std::string> capabilities;  ///< none are defined in version 1
  /// A session of the run `run_id`. A Parent that does not know it, or knows better, begins a new session.
  std::optional<SessionMark> resume{};
  /// Components of the running statistics in each frame, at most kMaxStatisticsComponents; 0: there are none.
  std::uint64_t statistics = 0;
  /// The number of the Child's own stream of statistics, at most 2^53-1, which stays the same in all its
  /// processes.
  std::uint64_t stream = 0;
  /// The moments of the Child's optimizer in each frame, at most kMostMomentsOfWeight for each weight, where
  /// it wants them averaged; nothing: it does not. Parents of earlier versions ignore it.
  std::optional<MomentsShape> moments{};
  /// What the Child trains, each text as description_text() makes it. Parents of earlier versions ignore it.
  PolicyDescription policy{};
  /// The exchange that the Child wants to take part in, as exchange_name(); not sent when it is "each".
  std::string exchange = "each";
  /// The codec in which the Child would like to exchange weights, as codec_name(); not sent when it is "f32".
  std::string codec = "f32";
  /// Of an actor: the most steps that it can play in a round, at most 2^53-1; 0, and not sent: any number.
  std::uint64_t round_steps = 0;
  /// Of a learner with shards: its optimizer and the optimizer's constants as a text, which must be the
  /// shard's; not sent when it is empty.
  std::string optimizer{};
  /// Of a peer, and only of one, whose exchange is "peers".
  std::optional<PeerHello> peer{};
};

/// The most actors of one learner that are told apart.
inline constexpr std::uint64_t kMostActorPlaces = 100'000;

/// The Parent's answer to a hello that it accepts. Its weights follow.
struct WelcomeMessage {
  std::string name;                       ///< what the Parent calls itself
  std::string run_id;                     ///< the run that the Child now belongs to
  std::string library;                    ///< the sender's software and version, for logs
  std::uint64_t session = 0;              ///< stands in every frame of this link; at most 2^53-1
  std::uint64_t update = 0;               ///< merges made so far; at most 2^53-1
  std::vector<std::string> capabilities;  ///< none are defined in version 1
  /// Set only when `session` is the one that the hello named: the number of the last of its frames that was
  /// merged. The Child goes on with the next number.
  std::optional<std::uint64_t> sequence{};
  /// What the Parent shows this Child as, when that is not the hello's name because another Child has it.
  /// Empty: the hello's name. A Child may ignore it.
  std::string shown_name{};
  /// The hello's number, from a Parent that knows statistics.
  std::uint64_t statistics = 0;
  /// The number of moments in the hello, from a Parent that averages moments; nothing: it does not.
  std::optional<std::uint64_t> moments{};
  /// The exchange that the Parent makes, as exchange_name(); not sent when it is "each".
  std::string exchange = "each";
  /// The longest time in milliseconds that the Parent lets an answer wait for other Children; 0: it answers
  /// at once.
  std::uint64_t longest_wait_ms = 0;
  /// The codec of this link: the hello's, or "f32" when the Parent does not know that one; not sent when it
  /// is "f32".
  std::string codec = "f32";
  /// Of a Parent whose exchange is "segments": whether actors wait for it, as actor_mode_name(); not sent
  /// when it is "waiting".
  std::string actors = "waiting";
  /// Of a shard, and only of one: the slice of the weights that it owns.
  std::optional<WeightSlice> slice{};
  /// Of such a Parent: the actor's place among `places`, from 0, by which actors explore differently; not
  /// sent when there is one place.
  std::uint64_t place = 0;
  std::uint64_t places = 1;  ///< see `place`; at most kMostActorPlaces
  /// Of a Parent whose exchange is "population": the names of the hyperparameters whose values stand in each
  /// of its frames, in their order; not sent when there are none.
  std::vector<std::string> explored{};
};

/// Why a peer or its weights are not accepted. The sender then closes the link.
enum class RefusalCode {
  kProtocol,  ///< a message that is not of this protocol, or not at this point of it
  kLayout,    ///< a different network
  kWeights,   ///< weights that are not finite or far out of proportion
  kFrame,     ///< a damaged frame
  kSequence,  ///< a frame of another session, repeated, or out of order
  kBusy,      ///< no room now; trying again later may succeed
};

/// The code as the JSON has it: "protocol", "layout", and so on.
std::string_view refusal_code_text(RefusalCode code);

/// Tells a peer that it is not accepted.
struct RefuseMessage {
  RefusalCode code = RefusalCode::kProtocol;  ///< for the peer's program
  std::string reason;                         ///< for its user
};

/// The Parent tells a Child that the run is over and that it must not come back.
struct EndMessage {
  std::string reason;  ///< for the Child's user
};

/// The Child tells its Parent that it leaves for good.
struct LeaveMessage {
  std::string reason;  ///< for the Parent's log
};

/// A peer has taken the share of this number from a neighbour, which may send the next one.
struct TakenMessage {
  std::uint64_t sequence = 0;  ///< at most 2^53-1
};

/// Any of the messages.
using Message =
    std::variant<HelloMessage, WelcomeMessage, RefuseMessage, EndMessage, LeaveMessage, TakenMessage>;

/// The type as the JSON has it: "hello", "welcome", and so on.
std::string_view message_type(const Message& message);

/// Returns JSON text in UTF-8. Reasons are cut to kMaxReasonBytes.
std::string encode_message(const Message& message);

/// Reads a message. It is strict about the keys it knows (types, lengths, counts, depth, no key twice) and
/// ignores unknown keys, so that later versions may add some. Control characters in reasons become '?'.
/// Throws nothing but std::bad_alloc.
Decoded<Message> decode_message(std::string_view text);

/// Whether `text` may be a peer's name: 1 to kMaxNameBytes printable ASCII characters.
bool valid_peer_name(std::string_view text);

/// Returns a description as a hello carries it: UTF-8 without control characters, of at most kMaxReasonBytes.
std::string description_text(std::string_view description);

/// Returns `text` without control characters and cut to kMaxReasonBytes, so that it is fit for a log.
std::string printable(std::string_view text);

}  // namespace genkidama
