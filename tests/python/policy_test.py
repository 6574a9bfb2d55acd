"""Policies from files."""

import unittest

import numpy
import support

import genkidama


class Policies(support.TestInFolder):
    def test_a_policy_says_what_it_takes_and_gives(self):
        policy = support.trained(self.folder / "run", "cart-pole")
        self.assertEqual((policy.observation_space.shape, policy.action_space.n, policy.state_size), ((4,), 2, 0))
        self.assertEqual(policy.metadata["environment"], "CartPole-v1")
        self.assertIn("CartPole-v1", repr(policy))

    def test_a_batch_has_the_actions_of_its_rows(self):
        for task, kind in (("lunar-lander", numpy.int64), ("lunar-lander-continuous", numpy.float32)):
            with self.subTest(task):
                policy = support.trained(self.folder / task, task)
                observations = numpy.random.default_rng(1).normal(size=(50, 8)).astype(numpy.float32)
                actions, state = policy.predict(observations)
                self.assertIsNone(state)
                self.assertEqual((actions.dtype, len(actions)), (kind, 50))
                self.assertGreater(len(numpy.unique(actions)), 1)
                for observation, action in zip(observations, actions):
                    one, _ = policy.predict(observation)
                    self.assertTrue(numpy.array_equal(one, action))
                    self.assertIn(one, policy.action_space)

    def test_what_is_no_float32_array_is_converted(self):
        policy = support.trained(self.folder / "run", "lunar-lander")
        observation = numpy.random.default_rng(2).normal(size=8).astype(numpy.float32)
        expected, _ = policy.predict(observation)
        every_second = numpy.repeat(observation, 2)[::2]
        for given in (observation.tolist(), observation.astype(numpy.float64), every_second, tuple(observation)):
            self.assertEqual(policy.predict(given)[0], expected)

    def test_sampled_actions_follow_from_the_seed(self):
        support.trained(self.folder / "run", "lunar-lander")
        path = self.folder / "run" / "final.safetensors"
        observations = numpy.zeros((64, 8), numpy.float32)
        drawn = [genkidama.load_policy(path, seed=seed).predict(observations, deterministic=False)[0].tolist()
                 for seed in (1, 1, 2)]
        self.assertEqual(drawn[0], drawn[1])
        self.assertNotEqual(drawn[0], drawn[2])
        self.assertGreater(len(set(drawn[0])), 1)

    def test_a_masked_action_is_not_chosen(self):
        policy = support.trained(self.folder / "run", "lunar-lander")
        observations = numpy.random.default_rng(3).normal(size=(20, 8)).astype(numpy.float32)
        masks = numpy.zeros((20, 4), bool)
        masks[numpy.arange(20), numpy.arange(20) % 4] = True
        actions, _ = policy.predict(observations, action_mask=masks)
        self.assertEqual(actions.tolist(), [i % 4 for i in range(20)])
        action, _ = policy.predict(observations[0], action_mask=numpy.array([0, 0, 1, 0], numpy.int8))
        self.assertEqual(action, 2)

    def test_memory_is_the_callers(self):
        policy = support.trained(self.folder / "run", "recall", memory="gru:8")
        self.assertEqual(policy.state_size, 8)
        shape = policy.observation_space.shape
        observations = numpy.random.default_rng(4).normal(size=(3, 2, *shape)).astype(numpy.float32)
        batch_state = None
        states = [None, None]
        for step in observations:
            actions, batch_state = policy.predict(step, batch_state)
            for row in range(2):
                action, states[row] = policy.predict(step[row], states[row])
                self.assertEqual(action, actions[row])
                self.assertTrue(numpy.array_equal(states[row], batch_state[row]))
        _, anew = policy.predict(observations[-1])
        self.assertFalse(numpy.array_equal(anew, batch_state))

    def test_bad_input_is_refused_with_the_librarys_words(self):
        policy = support.trained(self.folder / "run", "cart-pole")
        with self.refused(genkidama.ArgumentError, "(3,)", "(4,)", "(n, 4)"):
            policy.predict(numpy.zeros(3, numpy.float32))
        for given in (numpy.zeros((0, 4)), numpy.zeros((2, 2, 4)), numpy.zeros((4, 1)), 1.0):
            with self.refused(ValueError, "expected (4,)"):
                policy.predict(given)
        for given in ("abcd", None, [[1], [2, 3]], object()):
            with self.subTest(given), self.refused(ValueError, "expected"):
                policy.predict(given)
        with self.refused(ValueError, "nan"):
            policy.predict([0, 0, float("nan"), 0])
        zeros = numpy.zeros(4, numpy.float32)
        with self.refused(ValueError, "no memory"):
            policy.predict(zeros, zeros)
        for mask in ([1, 0, 1], [[1, 0]], [0, 0], [2, 1]):
            with self.subTest(mask), self.refused(ValueError, "mask"):
                policy.predict(zeros, action_mask=mask)
        self.assertIsInstance(policy.predict(zeros)[0], int)

    def test_files_that_are_none_are_refused(self):
        with self.refused(OSError, "missing.safetensors"):
            genkidama.load_policy(self.folder / "missing.safetensors")
        broken = self.folder / "broken.safetensors"
        broken.write_bytes(b"\xff" * 100)
        with self.refused(genkidama.FormatError, "broken.safetensors"):
            genkidama.load_policy(str(broken))
        support.trained(self.folder / "run", "cart-pole")
        with self.refused(genkidama.FormatError, "state"):
            genkidama.load_policy(self.folder / "run" / "state.safetensors")


if __name__ == "__main__":
    unittest.main()
