#pragma once

/// @file
/// The environment protocol, and all that a program in C or C++ needs to serve an environment by it: a game
/// engine, a simulator, a robot. This file needs nothing but Linux' C library, so it may be copied into
/// another project. The documentation has a page on the protocol ("Environment protocol").
///
/// A trainer starts the program, and the program plays episodes for it:
///
///     genkidama_server server;
///     if (genkidama_open(&server) != 0) return 1;                  // not started by a trainer
///     if (genkidama_offer(&server, &spec) != 0) return 1;          // sizes, names
///     while (genkidama_wait(&server, -1) > 0) {                    // until the trainer ends
///       for (uint32_t i = 0; i < server.environments; ++i) {
///         if (server.commands[i] == GENKIDAMA_RESET) {
///           start an episode from server.seeds[i], write genkidama_observation(&server, i)
///         } else if (server.commands[i] == GENKIDAMA_STEP) {
///           play genkidama_action(&server, i), write the observation, server.rewards[i] and server.ends[i]
///         }
///       }
///       if (genkidama_answer(&server) != 0) return 1;
///     }
///     genkidama_close(&server);
///
/// Every function returns a negative number when the trainer is gone or does not keep to the protocol;
/// genkidama_error() then has the reason in words. A server is used by one thread.

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The version of the protocol that this file speaks.
#define GENKIDAMA_PROTOCOL_VERSION 1u
/// The eight characters with which both sides introduce themselves.
#define GENKIDAMA_PROTOCOL_MAGIC "genkienv"
/// The environment variable with the number of the inherited descriptor of the socket.
#define GENKIDAMA_SOCKET_VARIABLE "GENKIDAMA_SOCKET"
/// The environment variable with the number of the inherited descriptor of the shared memory.
#define GENKIDAMA_MEMORY_VARIABLE "GENKIDAMA_MEMORY"

/// No message is longer than this, in bytes.
#define GENKIDAMA_MAX_MESSAGE 65536u
/// The text of a failure has at most so many bytes.
#define GENKIDAMA_MAX_TEXT 1000u
/// An observation has at most so many dimensions.
#define GENKIDAMA_MAX_DIMENSIONS 8u

/// The kinds of messages.
enum {
  GENKIDAMA_HELLO = 1,    ///< trainer: genkidama_hello_message
  GENKIDAMA_SPEC = 2,     ///< process: genkidama_spec_message and the arrays behind it
  GENKIDAMA_LAYOUT = 3,   ///< trainer: genkidama_layout_message
  GENKIDAMA_READY = 4,    ///< process: genkidama_ready_message
  GENKIDAMA_TURN = 5,     ///< trainer: genkidama_turn_message; the process has the turn
  GENKIDAMA_DONE = 6,     ///< process: genkidama_turn_message with the same number; the trainer has the turn
  GENKIDAMA_FAILURE = 7,  ///< process, at any time: genkidama_turn_message and a text behind it
};

/// What one environment is to do in a turn: a byte of `commands`.
enum {
  GENKIDAMA_REST = 0,   ///< nothing
  GENKIDAMA_RESET = 1,  ///< start an episode whose chance follows from `seeds`
  GENKIDAMA_STEP = 2,   ///< play one step with `actions`
};

/// How an episode ended: bits of a byte of `ends`.
enum {
  GENKIDAMA_TERMINATED = 1,  ///< the task itself ended
  GENKIDAMA_TRUNCATED = 2,   ///< a limit of time cut the episode off
};

/// Bits of genkidama_spec_message::flags.
enum {
  GENKIDAMA_MASKS_ACTIONS = 1,  ///< the environment says which alternatives are allowed
};

/// What the process is started for.
enum {
  GENKIDAMA_DESCRIBE = 0,  ///< only the spec is asked for; a device need not be opened
  GENKIDAMA_TRAIN = 1,     ///< an agent learns
  GENKIDAMA_EVALUATE = 2,  ///< a policy is only evaluated
};

/// The first message, from the trainer.
typedef struct genkidama_hello_message {
  uint32_t kind;            ///< GENKIDAMA_HELLO
  uint32_t turn;            ///< 0
  char magic[8];            ///< GENKIDAMA_PROTOCOL_MAGIC
  uint32_t oldest_version;  ///< the oldest version that the trainer speaks
  uint32_t newest_version;  ///< the newest one
  uint32_t environments;    ///< how many environments the process shall serve, at least 1
  uint32_t purpose;         ///< GENKIDAMA_DESCRIBE, GENKIDAMA_TRAIN or GENKIDAMA_EVALUATE
  int32_t worker;           ///< index of the worker on the trainer's machine, from 0
  int32_t index;            ///< index of the first of these environments in that worker, from 0
} genkidama_hello_message;

/// What the process serves. Behind it come, without gaps: `dimensions` uint32_t of the observation's shape,
/// `choices` uint32_t (the number of alternatives of each), `components` float of the lowest values and as
/// many of the highest ones, `name_bytes` of the name, and `metric_bytes` of the names of the metrics, each
/// of which ends with a zero byte.
typedef struct genkidama_spec_message {
  uint32_t kind;            ///< GENKIDAMA_SPEC
  uint32_t turn;            ///< 0
  char magic[8];            ///< GENKIDAMA_PROTOCOL_MAGIC
  uint32_t version;         ///< the version that is spoken from now on
  uint32_t environments;    ///< as in the trainer's message
  uint32_t flags;           ///< GENKIDAMA_MASKS_ACTIONS or 0
  uint32_t time_limit;      ///< steps after which an episode is truncated; 0: there is no limit
  double reward_threshold;  ///< mean return at which the task counts as solved; NaN: there is no such figure
  uint32_t dimensions;      ///< of an observation, 1 to GENKIDAMA_MAX_DIMENSIONS
  uint32_t choices;         ///< choices of an action
  uint32_t components;      ///< continuous components of an action
  uint32_t metrics;         ///< figures that are told at the end of an episode
  uint32_t name_bytes;      ///< length of the name
  uint32_t metric_bytes;    ///< length of the names of all metrics, their zero bytes included
} genkidama_spec_message;

/// Where the arrays lie in the shared memory: offsets in bytes, each a multiple of 64. For N environments:
typedef struct genkidama_layout_message {
  uint32_t kind;          ///< GENKIDAMA_LAYOUT
  uint32_t turn;          ///< 0
  uint64_t bytes;         ///< size of the memory
  uint64_t commands;      ///< N bytes, written by the trainer
  uint64_t seeds;         ///< N uint64_t, written by the trainer
  uint64_t actions;       ///< N x (choices + components) float, written by the trainer
  uint64_t observations;  ///< N x (floats in an observation) float, written by the process
  uint64_t rewards;       ///< N float, written by the process
  uint64_t ends;          ///< N bytes, written by the process
  uint64_t masks;         ///< N x (alternatives of all choices) bytes, written by the process
  uint64_t metrics;       ///< N x metrics float, written by the process
} genkidama_layout_message;

/// The process has mapped the memory. It repeats the sizes of one environment, for the trainer to compare.
typedef struct genkidama_ready_message {
  uint32_t kind;          ///< GENKIDAMA_READY
  uint32_t turn;          ///< 0
  uint32_t observation;   ///< floats in an observation
  uint32_t action;        ///< floats in an action
  uint32_t alternatives;  ///< bytes in a mask; 0 when the environment masks nothing
  uint32_t metrics;       ///< figures at the end of an episode
} genkidama_ready_message;

/// A turn is handed over.
typedef struct genkidama_turn_message {
  uint32_t kind;  ///< GENKIDAMA_TURN, GENKIDAMA_DONE or GENKIDAMA_FAILURE
  uint32_t turn;  ///< turns are numbered from 1
} genkidama_turn_message;

/// @cond internal
// So that C++ does not warn of the fields that a program leaves out: they are zero there as in C.
#ifdef __cplusplus
#define GENKIDAMA_UNSET = {}
#else
#define GENKIDAMA_UNSET
#endif
/// @endcond

/// What an environment is, as genkidama_offer() is told. All zeros but the observation and an action will do.
typedef struct genkidama_spec {
  const char* name GENKIDAMA_UNSET;       ///< for messages; null: "environment"
  uint32_t dimensions GENKIDAMA_UNSET;    ///< dimensions of an observation
  const uint32_t* shape GENKIDAMA_UNSET;  ///< its size in each dimension; an image is channels, height, width
  uint32_t choices GENKIDAMA_UNSET;       ///< choices of an action
  const uint32_t* alternatives GENKIDAMA_UNSET;  ///< number of alternatives of each choice
  uint32_t components GENKIDAMA_UNSET;           ///< continuous components of an action
  const float* low GENKIDAMA_UNSET;              ///< lowest value of each component; minus infinity: no bound
  const float* high GENKIDAMA_UNSET;             ///< highest value of each component
  uint32_t time_limit GENKIDAMA_UNSET;           ///< steps after which an episode is truncated; 0: none
  const double* reward_threshold GENKIDAMA_UNSET;  ///< mean return that solves the task; null: none
  int masks_actions GENKIDAMA_UNSET;  ///< not 0: genkidama_mask() is written with each observation
  uint32_t metrics GENKIDAMA_UNSET;   ///< figures at the end of an episode
  const char* const* metric_names GENKIDAMA_UNSET;  ///< their names
} genkidama_spec;

/// A process that serves environments. Everything may be read; `observations` and the arrays after it are to
/// be written while the process has the turn.
typedef struct genkidama_server {
  uint32_t environments;  ///< how many the trainer asked for, from genkidama_open() on
  uint32_t purpose;       ///< GENKIDAMA_DESCRIBE, GENKIDAMA_TRAIN or GENKIDAMA_EVALUATE
  int worker;             ///< index of the worker on the trainer's machine
  int index;              ///< index of the first of these environments in that worker

  uint32_t observation_floats;  ///< in an observation, from genkidama_offer() on
  uint32_t action_floats;       ///< in an action
  uint32_t alternatives;        ///< in a mask
  uint32_t metric_count;        ///< figures at the end of an episode

  const uint8_t* commands;  ///< [environments] GENKIDAMA_REST, GENKIDAMA_RESET or GENKIDAMA_STEP
  const uint64_t* seeds;    ///< [environments]
  const float* actions;     ///< [environments, action_floats]; a choice is a whole number
  float* observations;      ///< [environments, observation_floats]
  float* rewards;           ///< [environments]
  uint8_t* ends;            ///< [environments] 0, or bits GENKIDAMA_TERMINATED and GENKIDAMA_TRUNCATED
  uint8_t* masks;           ///< [environments, alternatives] 1: allowed, 0: not allowed
  float* metrics;           ///< [environments, metric_count], read at the end of an episode

  int socket;       ///< the protocol's own descriptor
  int memory;       ///< descriptor of the shared memory
  uint32_t turn;    ///< number of the present turn
  void* mapping;    ///< the shared memory
  size_t bytes;     ///< its size
  char error[160];  ///< see genkidama_error()
} genkidama_server;

/// Why a function returned a negative number.
static inline const char* genkidama_error(const genkidama_server* server) {
  return server->error;
}

/// @cond internal
static inline int genkidama_refuse(genkidama_server* server, const char* reason) {
  snprintf(server->error, sizeof server->error, "%s", reason);
  return -1;
}

static inline int genkidama_descriptor(const char* variable) {
  const char* text = getenv(variable);
  char* end = NULL;
  if (text == NULL || *text == '\0') return -1;
  const long number = strtol(text, &end, 10);
  return *end == '\0' && number >= 0 && number < 1 << 20 ? (int)number : -1;
}

static inline int genkidama_send(genkidama_server* server, const void* message, size_t bytes) {
  ssize_t sent = 0;
  do {
    sent = send(server->socket, message, bytes, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == (ssize_t)bytes ? 0 : genkidama_refuse(server, "the trainer is gone");
}

// Exactly `bytes` bytes of this kind.
static inline int genkidama_receive(genkidama_server* server, void* message, size_t bytes, uint32_t kind) {
  ssize_t count = 0;
  do {
    count = recv(server->socket, message, bytes, MSG_TRUNC);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return genkidama_refuse(server, "the trainer is gone");
  uint32_t found = 0;
  memcpy(&found, message, sizeof found);
  if (count != (ssize_t)bytes || found != kind) {
    return genkidama_refuse(server, "the trainer sent a message of another kind or size than expected");
  }
  return 0;
}

static inline void genkidama_append(char* bytes, size_t* used, const void* from, size_t count) {
  if (*used <= GENKIDAMA_MAX_MESSAGE && count <= GENKIDAMA_MAX_MESSAGE - *used) {
    if (count > 0) memcpy(bytes + *used, from, count);
    *used += count;
  } else {
    *used = (size_t)GENKIDAMA_MAX_MESSAGE + 1;
  }
}

static inline int genkidama_lies_in(const genkidama_layout_message* layout, uint64_t offset, uint64_t count,
                                    uint64_t size) {
  return offset % 64 == 0 && offset <= layout->bytes && count <= (layout->bytes - offset) / size;
}
/// @endcond

/// Tells the trainer why the process cannot go on; the text is at most GENKIDAMA_MAX_TEXT bytes of UTF-8.
/// Call it instead of genkidama_offer() or genkidama_answer(), and end the process afterwards.
static inline int genkidama_fail(genkidama_server* server, const char* text) {
  char message[sizeof(genkidama_turn_message) + GENKIDAMA_MAX_TEXT];
  const genkidama_turn_message head = {GENKIDAMA_FAILURE, server->turn};
  size_t length = strlen(text);
  if (length > GENKIDAMA_MAX_TEXT) length = GENKIDAMA_MAX_TEXT;
  memcpy(message, &head, sizeof head);
  memcpy(message + sizeof head, text, length);
  return genkidama_send(server, message, sizeof head + length);
}

/// Finds the trainer that has started this process and hears what it wants. Returns 0, or -1 when the process
/// was started by nobody who speaks this protocol, or in another version.
static inline int genkidama_open(genkidama_server* server) {
  genkidama_hello_message hello;
  memset(server, 0, sizeof *server);
  server->socket = genkidama_descriptor(GENKIDAMA_SOCKET_VARIABLE);
  server->memory = genkidama_descriptor(GENKIDAMA_MEMORY_VARIABLE);
  if (server->socket < 0 || server->memory < 0) {
    return genkidama_refuse(server, "no trainer has started this program: " GENKIDAMA_SOCKET_VARIABLE
                                    " or " GENKIDAMA_MEMORY_VARIABLE " is not set");
  }
  if (genkidama_receive(server, &hello, sizeof hello, GENKIDAMA_HELLO) != 0) return -1;
  if (memcmp(hello.magic, GENKIDAMA_PROTOCOL_MAGIC, sizeof hello.magic) != 0 || hello.environments == 0) {
    return genkidama_refuse(server, "the other side of " GENKIDAMA_SOCKET_VARIABLE " is no trainer");
  }
  if (GENKIDAMA_PROTOCOL_VERSION < hello.oldest_version ||
      GENKIDAMA_PROTOCOL_VERSION > hello.newest_version) {
    snprintf(server->error, sizeof server->error,
             "this environment speaks version %u of the protocol, the trainer %u to %u",
             GENKIDAMA_PROTOCOL_VERSION, hello.oldest_version, hello.newest_version);
    genkidama_fail(server, server->error);
    return -1;
  }
  server->environments = hello.environments;
  server->purpose = hello.purpose;
  server->worker = hello.worker;
  server->index = hello.index;
  return 0;
}

/// Tells the trainer what the environments are, and maps the memory that both share. All of them are the
/// same. Returns 0, or -1. A trainer that only wanted to know what they are is gone afterwards, which is no
/// failure of this call: the next genkidama_wait() returns 0.
static inline int genkidama_offer(genkidama_server* server, const genkidama_spec* spec) {
  static const char default_name[] = "environment";
  const char* const name = spec->name != NULL ? spec->name : default_name;
  genkidama_spec_message head;
  genkidama_layout_message layout;
  genkidama_ready_message ready;
  struct stat file;
  size_t used = sizeof head;
  uint64_t floats = 1, alternatives = 0, metric_bytes = 0;
  char* const message = (char*)malloc(GENKIDAMA_MAX_MESSAGE);
  if (message == NULL) return genkidama_refuse(server, "there is no memory");
  for (uint32_t i = 0; i < spec->dimensions && floats <= UINT32_MAX; ++i) floats *= spec->shape[i];
  for (uint32_t i = 0; i < spec->choices && spec->masks_actions != 0; ++i)
    alternatives += spec->alternatives[i];
  for (uint32_t i = 0; i < spec->metrics; ++i) metric_bytes += strlen(spec->metric_names[i]) + 1;
  memset(&head, 0, sizeof head);
  head.kind = GENKIDAMA_SPEC;
  memcpy(head.magic, GENKIDAMA_PROTOCOL_MAGIC, sizeof head.magic);
  head.version = GENKIDAMA_PROTOCOL_VERSION;
  head.environments = server->environments;
  head.flags = spec->masks_actions != 0 ? GENKIDAMA_MASKS_ACTIONS : 0;
  head.time_limit = spec->time_limit;
  head.reward_threshold = spec->reward_threshold != NULL ? *spec->reward_threshold : (double)NAN;
  head.dimensions = spec->dimensions;
  head.choices = spec->choices;
  head.components = spec->components;
  head.metrics = spec->metrics;
  head.name_bytes = (uint32_t)strlen(name);
  head.metric_bytes = (uint32_t)metric_bytes;
  memcpy(message, &head, sizeof head);
  genkidama_append(message, &used, spec->shape, spec->dimensions * sizeof(uint32_t));
  genkidama_append(message, &used, spec->alternatives, spec->choices * sizeof(uint32_t));
  genkidama_append(message, &used, spec->low, spec->components * sizeof(float));
  genkidama_append(message, &used, spec->high, spec->components * sizeof(float));
  genkidama_append(message, &used, name, strlen(name));
  for (uint32_t i = 0; i < spec->metrics; ++i) {
    genkidama_append(message, &used, spec->metric_names[i], strlen(spec->metric_names[i]) + 1);
  }
  const int told = used <= GENKIDAMA_MAX_MESSAGE ? genkidama_send(server, message, used) : -1;
  free(message);
  if (used > GENKIDAMA_MAX_MESSAGE) return genkidama_refuse(server, "the spec does not fit into a message");
  if (told != 0) return -1;
  if (server->purpose == GENKIDAMA_DESCRIBE) return 0;

  if (genkidama_receive(server, &layout, sizeof layout, GENKIDAMA_LAYOUT) != 0) return -1;
  server->observation_floats = (uint32_t)floats;
  server->action_floats = spec->choices + spec->components;
  server->alternatives = (uint32_t)alternatives;
  server->metric_count = spec->metrics;
  const uint64_t n = server->environments;
  if (fstat(server->memory, &file) != 0 || (uint64_t)file.st_size < layout.bytes ||
      !genkidama_lies_in(&layout, layout.commands, n, 1) || !genkidama_lies_in(&layout, layout.seeds, n, 8) ||
      !genkidama_lies_in(&layout, layout.actions, n * server->action_floats, 4) ||
      !genkidama_lies_in(&layout, layout.observations, n * floats, 4) ||
      !genkidama_lies_in(&layout, layout.rewards, n, 4) || !genkidama_lies_in(&layout, layout.ends, n, 1) ||
      !genkidama_lies_in(&layout, layout.masks, n * alternatives, 1) ||
      !genkidama_lies_in(&layout, layout.metrics, n * spec->metrics, 4)) {
    return genkidama_refuse(server, "the trainer's arrays do not lie in the shared memory");
  }
  void* const mapping = mmap(NULL, layout.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, server->memory, 0);
  if (mapping == MAP_FAILED) return genkidama_refuse(server, "the shared memory cannot be mapped");
  char* const base = (char*)mapping;
  server->mapping = mapping;
  server->bytes = layout.bytes;
  server->commands = (const uint8_t*)(base + layout.commands);
  server->seeds = (const uint64_t*)(void*)(base + layout.seeds);
  server->actions = (const float*)(void*)(base + layout.actions);
  server->observations = (float*)(void*)(base + layout.observations);
  server->rewards = (float*)(void*)(base + layout.rewards);
  server->ends = (uint8_t*)(base + layout.ends);
  server->masks = (uint8_t*)(base + layout.masks);
  server->metrics = (float*)(void*)(base + layout.metrics);
  memset(&ready, 0, sizeof ready);
  ready.kind = GENKIDAMA_READY;
  ready.observation = server->observation_floats;
  ready.action = server->action_floats;
  ready.alternatives = server->alternatives;
  ready.metrics = server->metric_count;
  return genkidama_send(server, &ready, sizeof ready);
}

/// Waits for the trainer's next turn, for `timeout_ms` milliseconds at most; -1: without end. Returns 1 when
/// this process has the turn, 0 when the trainer has ended, which is the normal end, -1 for an error, and -2
/// when the time is over, so that a program with a main loop of its own can go on meanwhile.
static inline int genkidama_wait(genkidama_server* server, int timeout_ms) {
  genkidama_turn_message turn;
  ssize_t count = 0;
  if (timeout_ms >= 0) {
    struct pollfd waiting = {server->socket, POLLIN, 0};
    if (poll(&waiting, 1, timeout_ms) <= 0) {
      genkidama_refuse(server, "the trainer has not answered in time");
      return -2;
    }
  }
  do {
    count = recv(server->socket, &turn, sizeof turn, MSG_TRUNC);
  } while (count < 0 && errno == EINTR);
  if (count == 0 || (count < 0 && errno == ECONNRESET)) return 0;
  if (count != (ssize_t)sizeof turn || turn.kind != GENKIDAMA_TURN) {
    return genkidama_refuse(server, "the trainer sent a message of another kind or size than expected");
  }
  server->turn = turn.turn;
  return 1;
}

/// Hands the turn back to the trainer. The arrays of this turn are complete, and they belong to the trainer
/// until genkidama_wait() returns again. Returns 0, or -1.
static inline int genkidama_answer(genkidama_server* server) {
  const genkidama_turn_message done = {GENKIDAMA_DONE, server->turn};
  return genkidama_send(server, &done, sizeof done);
}

/// The observation of this environment, for writing.
static inline float* genkidama_observation(genkidama_server* server, uint32_t environment) {
  return server->observations + (size_t)environment * server->observation_floats;
}

/// The action for this environment.
static inline const float* genkidama_action(const genkidama_server* server, uint32_t environment) {
  return server->actions + (size_t)environment * server->action_floats;
}

/// Which alternatives are allowed after this observation, for writing.
static inline uint8_t* genkidama_mask(genkidama_server* server, uint32_t environment) {
  return server->masks + (size_t)environment * server->alternatives;
}

/// The metrics of this environment's episode, for writing.
static inline float* genkidama_metrics(genkidama_server* server, uint32_t environment) {
  return server->metrics + (size_t)environment * server->metric_count;
}

/// Closes both descriptors and unmaps the memory.
static inline void genkidama_close(genkidama_server* server) {
  if (server->mapping != NULL) munmap(server->mapping, server->bytes);
  if (server->socket >= 0) close(server->socket);
  if (server->memory >= 0) close(server->memory);
  memset(server, 0, sizeof *server);
  server->socket = server->memory = -1;
}

#ifdef __cplusplus
}
#endif
