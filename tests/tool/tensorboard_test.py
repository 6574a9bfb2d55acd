"""Reads the event files of runs with Protocol Buffers, checks each checksum, and compares them with metrics.csv.

    tensorboard_test.py TOOL

The messages are described here, from the public definitions of TensorBoard's formats, and not taken from Genkidama.
"""

import csv
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

try:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2  # noqa: F401
except ImportError:
    print("skipped: Debian's package python3-protobuf is missing; scripts/install-deps installs it")
    sys.exit(77)

TOOL = Path(sys.argv[1]).resolve()
del sys.argv[1]
LIMIT_S = 120 * float(os.environ.get("GENKIDAMA_TEST_PATIENCE", "1"))
WORDS = ("--workers", "1", "--preset", "thesis", "--round-end", "episode", "--eval-episodes", "3", "--tensorboard")

FIELD = descriptor_pb2.FieldDescriptorProto
SCALAR_TYPES = {"double": FIELD.TYPE_DOUBLE, "float": FIELD.TYPE_FLOAT, "int64": FIELD.TYPE_INT64,
                "int32": FIELD.TYPE_INT32, "string": FIELD.TYPE_STRING, "bytes": FIELD.TYPE_BYTES}
# name: [(field, number, type, repeated)]; a capital type is a message.
MESSAGES = {
    "Dim": [("size", 1, "int64", False)],
    "Shape": [("dim", 2, "Dim", True)],
    "Tensor": [("dtype", 1, "int32", False), ("tensor_shape", 2, "Shape", False), ("float_val", 5, "float", True)],
    "PluginData": [("plugin_name", 1, "string", False), ("content", 2, "bytes", False)],
    "Metadata": [("plugin_data", 1, "PluginData", False)],
    "Value": [("tag", 1, "string", False), ("simple_value", 2, "float", False), ("tensor", 8, "Tensor", False),
              ("metadata", 9, "Metadata", False)],
    "Summary": [("value", 1, "Value", True)],
    "SessionLog": [("status", 1, "int32", False)],
    "Event": [("wall_time", 1, "double", False), ("step", 2, "int64", False), ("file_version", 3, "string", False),
              ("summary", 5, "Summary", False), ("session_log", 7, "SessionLog", False)],
    "Hparam": [("key", 1, "string", False), ("value", 2, ".google.protobuf.Value", False)],
    "Start": [("hparams", 1, "Hparam", True), ("start_time_secs", 5, "double", False)],
    "End": [("status", 1, "int32", False), ("end_time_secs", 2, "double", False)],
    "Plugin": [("version", 1, "int32", False), ("session_start_info", 3, "Start", False),
               ("session_end_info", 4, "End", False)],
}


def message_classes():
    file = descriptor_pb2.FileDescriptorProto(name="events.proto", package="t", syntax="proto3",
                                              dependency=["google/protobuf/struct.proto"])
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            one = message.field.add(name=field, number=number,
                                    label=FIELD.LABEL_REPEATED if repeated else FIELD.LABEL_OPTIONAL)
            if kind in SCALAR_TYPES:
                one.type = SCALAR_TYPES[kind]
            else:
                one.type = FIELD.TYPE_MESSAGE
                one.type_name = kind if kind.startswith(".") else ".t." + kind
    pool = descriptor_pool.Default()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName("t." + name)) for name in ("Event", "Plugin")}


CLASSES = message_classes()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def events_in(path):
    data, at, events = path.read_bytes(), 0, []
    while at < len(data):
        length, length_sum = struct.unpack_from("<QI", data, at)
        assert masked(data[at:at + 8]) == length_sum, f"{path}: the length's checksum at {at}"
        event = data[at + 12:at + 12 + length]
        assert masked(event) == struct.unpack_from("<I", data, at + 12 + length)[0], f"{path}: the event's at {at}"
        events.append(CLASSES["Event"].FromString(event))
        at += 16 + length
    return events


def files_of(run):
    return sorted(run.glob("events.out.tfevents.*"))


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def scalars_of(run, having):
    """(step, {tag: value}) of each event with this tag, in the order in which TensorBoard reads them."""
    found = []
    for file in files_of(run):
        for event in events_in(file):
            values = {value.tag: value.simple_value for value in event.summary.value}
            if having in values:
                found.append((event.step, values))
    return found


def plugin_data(run):
    found = []
    for file in files_of(run):
        for event in events_in(file):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "hparams":
                    found.append((value.tag, CLASSES["Plugin"].FromString(value.metadata.plugin_data.content)))
    return found


class TensorBoard(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.run_dir = self.folder / "run"

    def call(self, *words):
        result = subprocess.run([str(TOOL), *map(str, words)], capture_output=True, text=True, timeout=LIMIT_S,
                                cwd=self.folder)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def near(self, value, text, factor=1.0):
        self.assertAlmostEqual(value, factor * float(text), delta=1e-5 * max(1.0, abs(float(text))))

    def check_rows(self, run):
        rows, events = rows_of(run / "metrics.csv"), scalars_of(run, "genkidama/update")
        self.assertEqual([int(row["environment_steps"]) for row in rows], [step for step, _ in events])
        returns = []
        for row, (step, values) in zip(rows, events):
            if row["return_mean"] == "":  # the run's end has cut the round
                self.assertNotIn("genkidama/return_mean", values)
                continue
            for column in ("update", "wall_seconds", "steps_per_second", "return_mean", "gradient_norm", "episodes"):
                self.near(values["genkidama/" + column], row[column])
            for column, tag in (("policy_loss", "policy_loss"), ("value_loss", "value_loss"),
                                ("learning_rate", "learning_rate")):
                self.near(values["train/" + tag], row[column])
            self.near(values["train/entropy_loss"], row["entropy"], -1.0)
            self.near(values["rollout/ep_len_mean"], row["length_mean"])
            # One episode in each row.
            returns = (returns + [float(row["return_mean"])])[-100:]
            self.near(values["rollout/ep_rew_mean"], sum(returns) / len(returns))
            # The column has three digits.
            self.assertAlmostEqual(step / values["time/fps"], float(row["wall_seconds"]), delta=1e-3)
            self.assertNotIn("genkidama/policy_loss", values)
        return rows

    def test_a_run_has_its_rows_its_evaluations_and_its_options(self):
        self.call("train", "cart-pole", *WORDS, "--updates", "20", "--evaluate-every", "10", "--target-episodes", "4",
                  "--run-dir", self.run_dir)
        self.assertEqual(len(self.check_rows(self.run_dir)), 20)
        files = files_of(self.run_dir)
        self.assertEqual(len(files), 1)
        events = events_in(files[0])
        self.assertEqual(events[0].file_version, "brain.Event:2")
        self.assertTrue(all(event.wall_time > 1.6e9 for event in events))

        evaluations, told = rows_of(self.run_dir / "evaluations.csv"), scalars_of(self.run_dir, "eval/mean_reward")
        self.assertEqual(len(evaluations), 2)
        self.assertEqual([int(row["environment_steps"]) for row in evaluations], [step for step, _ in told])
        for row, (_, values) in zip(evaluations, told):
            self.near(values["eval/mean_reward"], row["return_mean"])
        summary = json.loads((self.run_dir / "summary.json").read_text())
        final = scalars_of(self.run_dir, "eval/final_mean_reward")
        self.assertEqual(len(final), 1)
        self.near(final[0][1]["eval/final_mean_reward"], summary["final_evaluation"]["mean"])

        (start_tag, start), (end_tag, end) = plugin_data(self.run_dir)
        self.assertEqual((start_tag, end_tag), ("_hparams_/session_start_info", "_hparams_/session_end_info"))
        self.assertEqual(end.session_end_info.status, 1)
        given = {}
        for hparam in start.session_start_info.hparams:
            kind = hparam.value.WhichOneof("kind")
            given[hparam.key] = getattr(hparam.value, kind)
        config = json.loads((self.run_dir / "config.json").read_text())
        wanted = {key: value for key, value in config.items()
                  if isinstance(value, (bool, int, float, str)) and key not in ("command_line", "run_dir")}
        self.assertEqual(given, wanted)
        self.assertIs(given["tensorboard"], True)
        self.assertGreater(given["learning_rate"], 0)

    def test_a_run_that_goes_on_repeats_no_step(self):
        self.call("train", "cart-pole", *WORDS, "--updates", "12", "--run-dir", self.run_dir)
        state = self.folder / "state"
        shutil.copy(self.run_dir / "state.safetensors", state)
        self.call("train", "--resume", self.run_dir, "--updates", "30")
        self.assertEqual(len(self.check_rows(self.run_dir)), 30)
        self.assertEqual(len(files_of(self.run_dir)), 2)
        # As after a kill: the files are further than the state.
        shutil.copy(state, self.run_dir / "state.safetensors")
        with files_of(self.run_dir)[-1].open("ab") as file:
            file.write(b"half an event")
        self.call("train", "--resume", self.run_dir, "--updates", "20")
        rows = self.check_rows(self.run_dir)
        self.assertEqual([int(row["update"]) for row in rows], list(range(1, 21)))
        files = files_of(self.run_dir)
        self.assertEqual(len(files), 3)
        # Readers that were running forget what came after the state.
        restarts = [event for event in events_in(files[-1]) if event.session_log.status == 1]
        self.assertEqual([event.step for event in restarts], [int(rows[11]["environment_steps"]) + 1])

    def test_every_member_of_a_cluster_has_its_own(self):
        self.call("cluster", "cart-pole", *WORDS, "--children", "2", "--updates", "8", "--run-dir", self.run_dir)
        rows, events = rows_of(self.run_dir / "metrics.csv"), scalars_of(self.run_dir, "genkidama/update")
        self.assertEqual([(int(row["environment_steps"]), int(row["update"])) for row in rows],
                         [(step, values["genkidama/update"]) for step, values in events])
        for row, (_, values) in zip(rows, events):
            self.near(values["genkidama/staleness"], row["staleness"])
            self.assertNotIn("genkidama/child", values)
        for name in ("child_1", "child_2"):
            self.check_rows(self.run_dir / "children" / name)

    def test_without_the_option_there_is_none(self):
        words = [word for word in WORDS if word != "--tensorboard"]
        self.call("train", "cart-pole", *words, "--updates", "1", "--run-dir", self.run_dir)
        self.assertEqual(files_of(self.run_dir), [])


if __name__ == "__main__":
    unittest.main()
