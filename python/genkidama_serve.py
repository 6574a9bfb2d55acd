#!/usr/bin/env python3
"""Serves environments with Gymnasium's interface to a Genkidama trainer.

    python3 -m genkidama_serve gymnasium:CartPole-v1        an id of Gymnasium's registry
    python3 -m genkidama_serve python:my_module:MyTask      a class, or a function that makes an environment
    python3 -m genkidama_serve python:./my_task.py:MyTask   the same in a file

or in a program of your own:

    import genkidama_serve
    genkidama_serve.serve(MyTask)

The trainer starts the program. An environment is any object with

    reset(seed=int) -> (observation, info)
    step(action) -> (observation, reward, terminated, truncated, info)
    observation_space, action_space

whose spaces are Gymnasium's or look like them: a Discrete has `n` (and `start`), a MultiDiscrete has `nvec`, a
MultiBinary has `n` and a shape, and a Box has `low`, `high` and `shape`. Gymnasium itself is not needed. NumPy is
used when it is installed; without it, actions are lists and observations may be lists.

Some attributes of an environment are used when it has them: `spec.id`, `spec.max_episode_steps` and
`spec.reward_threshold` as Gymnasium sets them; `metrics`, a list of names, whose values are taken from `info` in the
last step of an episode; and `masks_actions`. An environment whose first `info` has an "action_mask" masks its actions:
every `info` must have one then.

The documentation of Genkidama has a page about the bytes ("Environment protocol").
"""

import importlib
import importlib.util
import math
import mmap
import os
import struct
import sys
import traceback

try:
    import numpy
except ImportError:
    numpy = None

VERSION = 1
MAGIC = b"genkienv"
HELLO, SPEC, LAYOUT, READY, TURN, DONE, FAILURE = range(1, 8)
REST, RESET, STEP = range(3)
TERMINATED, TRUNCATED = 1, 2
DESCRIBE, TRAIN, EVALUATE = range(3)

_HELLO = struct.Struct("=II8sIIIIii")
_SPEC = struct.Struct("=II8sIIIIdIIIIII")
_LAYOUT = struct.Struct("=IIQQQQQQQQQ")
_READY = struct.Struct("=IIIIII")
_TURN = struct.Struct("=II")
_MOST_BYTES = 65536
_MOST_TEXT = 1000


class Refused(Exception):
    """The environment cannot be served; the text says why, for whoever started the trainer."""


def _numbers(values):
    """A flat list of floats of a number, a nested sequence or an array."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, (list, tuple)):
        return [number for value in values for number in _numbers(value)]
    return [float(values)]


def _shown(value):
    """The value in a message."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."


def _is_set(value):
    """Whether what stands for true or false does so; None when it stands for neither."""
    if hasattr(value, "tolist"):  # NumPy's
        value = value.tolist()
    return bool(value) if isinstance(value, (bool, int, float)) and value in (0, 1) else None


def _end(what, value):
    is_set = _is_set(value)
    if is_set is None:
        raise TypeError(f"step() returned {_shown(value)} as {what}; expected True or False")
    return is_set


def _in_info(info, key, why):
    try:
        return info[key]
    except (KeyError, TypeError, IndexError):
        given = f"the keys {_shown(sorted(map(str, info)))}" if isinstance(info, dict) else _shown(info)
        raise KeyError(f"an info with {given} was returned; expected '{key}' in it, {why}") from None


def _kind(space):
    """Which of Gymnasium's spaces this one looks like, or None."""
    if hasattr(space, "nvec"):
        return "MultiDiscrete"
    if hasattr(space, "low") and hasattr(space, "high") and hasattr(space, "shape"):
        return "Box"
    if hasattr(space, "n"):
        return "MultiBinary" if getattr(space, "shape", None) else "Discrete"
    return None


def _refuse_space(what, space, expected):
    raise Refused(f"its {what} space is {space}; expected {expected}")


class _Observations:
    """From an environment's observation to floats."""

    def __init__(self, space):
        kind = _kind(space)
        if kind == "Box":
            self.shape = [int(size) for size in space.shape] or [1]
            self.expected = tuple(int(size) for size in space.shape)
            self.floats = math.prod(self.shape)
            self.write = self._write_box if numpy is not None else self._write_list
        elif kind == "Discrete":
            self.start = int(getattr(space, "start", 0))
            self.floats = int(space.n)
            self.shape = [self.floats]
            self.write = self._write_choice
        else:
            _refuse_space("observation", space, "a Box or a Discrete (gymnasium.wrappers.FlattenObservation makes a "
                                                "Box of many others)")
        if self.floats < 1:
            _refuse_space("observation", space, "at least one number")
        if self.floats >= 2**31:
            _refuse_space("observation", space, f"at most {2**31 - 1} numbers, and it has {self.floats}")

    def _write_box(self, observation, row):
        values = numpy.asarray(observation)
        if values.shape != self.expected:
            raise ValueError(f"the observation {_shown(observation)} was returned, which has the shape {values.shape}; "
                             f"expected {self.expected}")
        try:
            row[...] = values.reshape(-1)
        except (TypeError, ValueError):
            raise TypeError(f"the observation {_shown(observation)} was returned; expected numbers") from None

    def _write_list(self, observation, row):
        try:
            values = _numbers(observation)
        except (TypeError, ValueError):
            raise TypeError(f"the observation {_shown(observation)} was returned; expected numbers") from None
        if len(values) != self.floats:
            raise ValueError(f"the observation {_shown(observation)} was returned, which has {len(values)} numbers; "
                             f"expected {self.floats}")
        for i, value in enumerate(values):
            row[i] = value

    def _write_choice(self, observation, row):
        """One of n numbers is 1, the others are 0."""
        try:
            choice = int(observation) - self.start
        except (TypeError, ValueError):
            choice = -1
        if not 0 <= choice < self.floats:
            raise ValueError(f"the observation {_shown(observation)} was returned; expected a whole number from "
                             f"{self.start} to {self.start + self.floats - 1}")
        for i in range(self.floats):
            row[i] = 0.0
        row[choice] = 1.0


class _Actions:
    """From floats to an environment's action."""

    def __init__(self, space):
        self.choices, self.low, self.high = [], [], []
        self.starts = []
        kind = _kind(space)
        if kind == "Discrete":
            self.choices = [int(space.n)]
            self.starts = [int(getattr(space, "start", 0))]
            self.read = self._read_choice
        elif kind == "MultiDiscrete" or kind == "MultiBinary":
            size = space.n if isinstance(getattr(space, "n", None), int) else math.prod(getattr(space, "shape", ()) or ())
            self.choices = [int(n) for n in _numbers(space.nvec)] if kind == "MultiDiscrete" else [2] * int(size)
            starts = getattr(space, "start", None)
            self.starts = [int(s) for s in _numbers(starts)] if starts is not None else [0] * len(self.choices)
            if len(self.starts) != len(self.choices):
                self.starts = self.starts[:1] * len(self.choices)
            self.shape = tuple(getattr(space, "shape", ()) or ())
            self.dtype = getattr(space, "dtype", "int64")
            self.read = self._read_choices
        elif kind == "Box":
            count = math.prod(space.shape)
            self.low, self.high = _numbers(space.low), _numbers(space.high)
            if len(self.low) == 1:
                self.low *= count
            if len(self.high) == 1:
                self.high *= count
            if len(self.low) != count or len(self.high) != count:
                _refuse_space("action", space, "bounds of its shape")
            self.shape = tuple(space.shape)
            self.dtype = getattr(space, "dtype", "float32")
            self.read = self._read_box
        else:
            _refuse_space("action", space, "a Discrete, a MultiDiscrete, a MultiBinary or a Box")
        self.floats = len(self.choices) + len(self.low)
        self.alternatives = sum(self.choices)
        if self.floats == 0:
            _refuse_space("action", space, "at least one choice or number")
        self.start = self.starts[0] if self.starts else 0

    def _read_choice(self, row):
        return int(row[0]) + self.start

    def _read_choices(self, row):
        values = [int(value) + start for value, start in zip(row, self.starts)]
        return numpy.array(values, dtype=self.dtype).reshape(self.shape) if numpy is not None else values

    def _read_box(self, row):
        if numpy is None:
            return [float(value) for value in row]
        return numpy.array(row, dtype=self.dtype).reshape(self.shape)  # a copy: the trainer overwrites the row


def _unwrapped_spec(environment):
    return getattr(environment, "spec", None)


class Served:
    """What the trainer is told about the environments; all of them are the same."""

    def __init__(self, environment, name=None, time_limit=None, metrics=None):
        for method in ("reset", "step", "observation_space", "action_space"):
            if not hasattr(environment, method):
                raise Refused(f"a {type(environment).__name__} has no {method}; expected Gymnasium's interface")
        spec = _unwrapped_spec(environment)
        self.name = name or getattr(spec, "id", None) or type(getattr(environment, "unwrapped", environment)).__name__
        self.time_limit = time_limit or getattr(spec, "max_episode_steps", None) or 0
        threshold = getattr(spec, "reward_threshold", None)
        self.reward_threshold = float(threshold) if threshold is not None else math.nan
        self.observations = _Observations(environment.observation_space)
        self.actions = _Actions(environment.action_space)
        self.metrics = list(metrics if metrics is not None else getattr(environment, "metrics", None) or [])
        masks = getattr(environment, "masks_actions", None)
        if masks is None:
            masks = self.actions.alternatives > 0 and "action_mask" in (_five(environment.reset(seed=0), 2)[1] or {})
        self.masks = bool(masks)

    def alternatives(self):
        """Entries in a mask; 0 where nothing is masked."""
        return self.actions.alternatives if self.masks else 0

    def arrays(self):
        """The arrays that trainer and environments share: name, elements for each environment, type."""
        return (("commands", 1, "B"), ("seeds", 1, "Q"), ("actions", self.actions.floats, "f"),
                ("observations", self.observations.floats, "f"), ("rewards", 1, "f"), ("ends", 1, "B"),
                ("masks", self.alternatives(), "B"), ("metrics", len(self.metrics), "f"))

    def message(self, environments):
        name = str(self.name).encode()[:256]
        names = b"".join(str(metric).encode() + b"\0" for metric in self.metrics)
        actions, shape = self.actions, self.observations.shape
        message = _SPEC.pack(SPEC, 0, MAGIC, VERSION, environments, 1 if self.masks else 0, self.time_limit,
                             self.reward_threshold, len(shape), len(actions.choices), len(actions.low),
                             len(self.metrics), len(name), len(names))
        message += struct.pack(f"={len(shape)}I{len(actions.choices)}I", *shape, *actions.choices)
        message += struct.pack(f"={2 * len(actions.low)}f", *actions.low, *actions.high)
        message += name + names
        if len(message) > _MOST_BYTES:
            raise Refused(f"its description has {len(message)} bytes, expected at most {_MOST_BYTES}")
        return message


def _five(result, count):
    if not isinstance(result, tuple) or len(result) != count:
        what = "reset() -> (observation, info)" if count == 2 else \
            "step() -> (observation, reward, terminated, truncated, info)"
        shown = f"a tuple of {len(result)}" if isinstance(result, tuple) else f"a {type(result).__name__}"
        raise TypeError(f"{shown} was returned; expected {what}")
    return result


class _Row:
    """One environment and its part of the shared memory."""

    def __init__(self, environment, served, arrays, index):
        self.environment = environment
        self.served = served
        self.read_action = served.actions.read
        self.write_observation = served.observations.write
        self.action = arrays["actions"].row(index)
        self.observation = arrays["observations"].row(index)
        self.mask = arrays["masks"].row(index)
        self.metrics = arrays["metrics"].row(index)
        self.rewards, self.ends, self.index = arrays["rewards"].all, arrays["ends"].all, index

    def reset(self, seed):
        # Many environments take 32 bits, and some of these a sign.
        observation, info = _five(self.environment.reset(seed=seed & 0x7fffffff), 2)
        self.write_observation(observation, self.observation)
        self.rewards[self.index] = 0.0
        self.ends[self.index] = 0
        if self.served.masks:
            self.write_mask(info)

    def step(self):
        result = self.environment.step(self.read_action(self.action))
        if type(result) is not tuple or len(result) != 5:
            _five(result, 5)
        observation, reward, terminated, truncated, info = result
        self.write_observation(observation, self.observation)
        try:
            self.rewards[self.index] = reward
        except (TypeError, ValueError):
            raise TypeError(f"step() returned the reward {_shown(reward)}; expected a number") from None
        if terminated is not True and terminated is not False:
            terminated = _end("terminated", terminated)
        if truncated is not True and truncated is not False:
            truncated = _end("truncated", truncated)
        ends = (TERMINATED if terminated else 0) | (TRUNCATED if truncated else 0)
        self.ends[self.index] = ends
        if self.served.masks and not terminated:
            self.write_mask(info)
        if ends and self.served.metrics:
            for i, name in enumerate(self.served.metrics):
                value = _in_info(info, name, "since it is one of the environment's metrics")
                try:
                    self.metrics[i] = float(value)
                except (TypeError, ValueError):
                    raise TypeError(f"info['{name}'] is {_shown(value)}; expected a number, since it is one of the "
                                    "environment's metrics") from None

    def write_mask(self, info):
        given = _in_info(info, "action_mask", "since the environment masks its actions")
        try:
            masks = _numbers(given)
        except (TypeError, ValueError):
            masks = [math.nan]
        if any(allowed not in (0, 1) for allowed in masks):
            raise ValueError(f"the action_mask {_shown(given)} was returned; expected 0 or 1 for each alternative")
        if len(masks) != len(self.mask):
            raise ValueError(f"the action_mask {_shown(given)} was returned, which has {len(masks)} entries; expected "
                             f"{len(self.mask)}")
        for i, allowed in enumerate(masks):
            self.mask[i] = 1 if allowed else 0


class _Array:
    """An array in the shared memory: `environments` rows of `width` elements."""

    def __init__(self, memory, offset, environments, width, code):
        size = struct.calcsize(code)
        end = offset + environments * width * size
        if offset % 64 or end > len(memory):
            raise Refused("the trainer's arrays do not lie in the shared memory")
        self.all = memoryview(memory)[offset:end].cast(code)
        self.width = width
        self.floats = code == "f"

    def row(self, index):
        part = self.all[index * self.width:(index + 1) * self.width]
        if numpy is not None and self.floats and self.width > 0:
            return numpy.frombuffer(part, dtype=numpy.float32)
        return part


class _Trainer:
    """The trainer's end of the socket."""

    def __init__(self):
        try:
            self.socket = int(os.environ["GENKIDAMA_SOCKET"])
            self.memory = int(os.environ["GENKIDAMA_MEMORY"])
        except (KeyError, ValueError):
            raise Refused("no trainer has started this program: GENKIDAMA_SOCKET or GENKIDAMA_MEMORY is not set. "
                          "Start it by 'genkidama train' or a ProcessEnvironment") from None
        # Not for the processes that the environment starts.
        os.set_inheritable(self.socket, False)
        os.set_inheritable(self.memory, False)
        self.turn = 0
        hello = os.read(self.socket, _HELLO.size)
        if len(hello) != _HELLO.size:
            raise Refused("the other side of GENKIDAMA_SOCKET is no trainer")
        kind, _, magic, oldest, newest, self.environments, self.purpose, self.worker, self.index = _HELLO.unpack(hello)
        if kind != HELLO or magic != MAGIC:
            raise Refused("the other side of GENKIDAMA_SOCKET is no trainer")
        if not oldest <= VERSION <= newest:
            raise Refused(f"genkidama_serve speaks version {VERSION} of the environment protocol, the trainer "
                          f"{oldest} to {newest}")

    def fail(self, text):
        text = " ".join(str(text).split()).encode()[:_MOST_TEXT]
        try:
            os.write(self.socket, _TURN.pack(FAILURE, self.turn) + text)
        except OSError:
            pass  # nobody is there to be told

    def share_memory(self, served):
        """The arrays by name, or None when the trainer has ended."""
        message = os.read(self.socket, _LAYOUT.size)
        if not message:
            return None
        if len(message) != _LAYOUT.size or _TURN.unpack_from(message)[0] != LAYOUT:
            raise Refused("the trainer sent another message than its layout")
        values = _LAYOUT.unpack(message)
        memory = mmap.mmap(self.memory, values[2])
        arrays = {name: _Array(memory, offset, self.environments, width, code)
                  for (name, width, code), offset in zip(served.arrays(), values[3:])}
        os.write(self.socket, _READY.pack(READY, 0, served.observations.floats, served.actions.floats,
                                          served.alternatives(), len(served.metrics)))
        return arrays


def _play(trainer, environments, served):
    arrays = trainer.share_memory(served)
    if arrays is None:
        return
    rows = [_Row(environment, served, arrays, index) for index, environment in enumerate(environments)]
    commands, seeds, socket = arrays["commands"].all, arrays["seeds"].all, trainer.socket
    read, write, size, unpack, pack = os.read, os.write, _TURN.size, _TURN.unpack, _TURN.pack
    while True:
        message = read(socket, size)
        if not message:
            return
        kind, trainer.turn = unpack(message)
        if kind != TURN:
            raise Refused(f"the trainer sent a message of kind {kind} where its turn was expected")
        for row in rows:
            command = commands[row.index]
            if command == STEP:
                row.step()
            elif command == RESET:
                row.reset(seeds[row.index])
        write(socket, pack(DONE, trainer.turn))


class Local:
    """An environment that is played in this process, for whoever finds its numbers in arrays.

    `reset(seed)` and `step()` move `row.environment`; `arrays` holds what the protocol shares, by name.
    """

    def __init__(self, environment):
        self.served = Served(environment)
        self.arrays = {name: _Array(bytearray(width * struct.calcsize(code)), 0, 1, width, code)
                       for name, width, code in self.served.arrays()}
        self.row = _Row(environment, self.served, self.arrays, 0)
        self.reset, self.step = self.row.reset, self.row.step


def serve(make, *, name=None, time_limit=None, metrics=None):
    """Serves what `make()` returns until the trainer ends, and then returns.

    `make` is called once for each environment that the trainer wants. If it takes arguments named `worker` and
    `index`, it is told which they are. `name`, `time_limit` (steps) and `metrics` (names) stand in place of what the
    environments say themselves. Ends the process with exit code 1 when the trainer was told of a failure.
    """
    environments = []
    try:
        trainer = _Trainer()
    except Refused as error:
        print(f"genkidama_serve: {error}", file=sys.stderr)
        sys.exit(2)
    try:
        count = 1 if trainer.purpose == DESCRIBE else trainer.environments
        for i in range(count):
            environments.append(_make(make, trainer.worker, trainer.index + i))
        served = Served(environments[0], name, time_limit, metrics)
        os.write(trainer.socket, served.message(trainer.environments))
        _play(trainer, environments, served)
    except Refused as error:
        trainer.fail(error)
        sys.exit(1)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the trainer has ended in the middle of a turn
    except Exception as error:  # of the environment's code: whatever it is, the trainer is told
        traceback.print_exc()
        sys.stderr.flush()
        # A KeyError shows its text in quotes.
        text = error.args[0] if isinstance(error, KeyError) and error.args else error
        trainer.fail(f"{type(error).__name__}: {text}")
        sys.exit(1)
    finally:
        for environment in environments:
            try:
                getattr(environment, "close", lambda: None)()
            except Exception:
                traceback.print_exc()


def _make(make, worker, index):
    code = getattr(make, "__code__", None)
    names = code.co_varnames[:code.co_argcount + code.co_kwonlyargcount] if code is not None else ()
    return make(worker=worker, index=index) if "worker" in names and "index" in names else make()


def _gymnasium(identity):
    try:
        import gymnasium
    except ImportError as error:
        raise Refused(f"{sys.executable} cannot import gymnasium ({error}); install it, or name another Python that "
                      "has it in GENKIDAMA_PYTHON") from None
    try:
        return gymnasium.make(identity)
    except Exception as error:
        raise Refused(f"gymnasium cannot make '{identity}': {type(error).__name__}: {error}") from None


def _python(text):
    place, _, attribute = text.rpartition(":")
    if not place or not attribute:
        raise Refused(f"'python:{text}' was given; expected python:MODULE:CLASS or python:FILE.py:CLASS")
    try:
        if place.endswith(".py"):
            sys.path.insert(0, os.path.dirname(os.path.abspath(place)))
            found = importlib.util.spec_from_file_location(os.path.basename(place)[:-3].replace(".", "_"), place)
            module = importlib.util.module_from_spec(found)
            sys.modules[found.name] = module
            found.loader.exec_module(module)
        else:
            sys.path.insert(0, os.getcwd())
            module = importlib.import_module(place)
    except Exception as error:
        raise Refused(f"'{place}' cannot be imported: {type(error).__name__}: {error}") from None
    if not callable(getattr(module, attribute, None)):
        raise Refused(f"'{place}' has no class or function '{attribute}'")
    return getattr(module, attribute)


def main(arguments):
    if len(arguments) != 1 or arguments[0] in ("-h", "--help"):
        print(__doc__.strip(), file=sys.stdout if arguments[:1] in (["-h"], ["--help"]) else sys.stderr)
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    kind, _, text = arguments[0].partition(":")
    found = []

    def make(worker, index):
        if kind == "gymnasium":
            return _gymnasium(text)
        if kind != "python":
            raise Refused(f"'{arguments[0]}' was given; expected gymnasium:ID or python:MODULE:CLASS")
        if not found:
            found.append(_python(text))
        return _make(found[0], worker, index)

    serve(make)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
