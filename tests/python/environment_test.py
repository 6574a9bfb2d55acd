"""Tasks of the library as Gymnasium-like environments."""

import unittest

import numpy
import support

import genkidama
from genkidama.spaces import Box, Discrete, Hybrid, MultiDiscrete


class Environments(support.TestInFolder):
    def test_every_task_plays_an_episode_of_sampled_actions(self):
        self.assertIn("lunar-lander", genkidama.tasks())
        for task in genkidama.tasks():
            with self.subTest(task):
                environment = genkidama.make(task)
                observation, info = environment.reset(seed=1)
                for _ in range(200):
                    self.assertTrue(environment.observation_space.contains(observation))
                    self.assertEqual(environment.masks_actions, "action_mask" in info)
                    action = environment.action_space.sample()
                    self.assertIn(action, environment.action_space)
                    observation, reward, terminated, truncated, info = environment.step(action)
                    self.assertIsInstance(reward, float)
                    if terminated or truncated:
                        break

    def test_an_episode_follows_from_its_seed(self):
        environments = genkidama.make("cart-pole"), genkidama.make("CartPole-v1")
        first = [environment.reset(seed=5)[0].tolist() for environment in environments]
        second = [environment.reset()[0].tolist() for environment in environments]
        self.assertEqual(first[0], first[1])
        self.assertEqual(second[0], second[1])
        self.assertNotEqual(first[0], second[0])

    def test_observations_stay_as_they_are(self):
        environment = genkidama.make("cart-pole")
        observation, _ = environment.reset(seed=1)
        kept = observation.tolist()
        later, *_ = environment.step(1)
        self.assertEqual(observation.tolist(), kept)
        self.assertNotEqual(later.tolist(), kept)
        self.assertEqual((observation.dtype, observation.shape), (numpy.float32, (4,)))

    def test_an_environment_says_what_it_is(self):
        environment = genkidama.make("lunar-lander")
        self.assertEqual((environment.name, environment.time_limit, environment.reward_threshold),
                         ("LunarLander-v2", 1000, 200))
        self.assertEqual(environment.action_space, Discrete(4))
        self.assertEqual(environment.observation_space.shape, (8,))
        pendulum = genkidama.make("pendulum")
        self.assertEqual(pendulum.action_space, Box([-2], [2]))
        self.assertIsNone(pendulum.reward_threshold)

    def test_a_seed_of_a_space_lasts(self):
        environment = genkidama.make("lunar-lander")
        drawn = []
        for _ in range(2):
            environment.action_space.seed(5)
            drawn.append([environment.action_space.sample() for _ in range(20)])
        self.assertEqual(drawn[0], drawn[1])

    def test_actions_may_be_numpys(self):
        environment = genkidama.make("cart-pole")
        results = []
        for action in (1, numpy.int64(1), numpy.array(1), numpy.array([1]), True):
            environment.reset(seed=2)
            results.append(environment.step(action)[0].tolist())
        self.assertEqual(results, [results[0]] * 5)

    def test_bad_input_is_refused_with_the_librarys_words(self):
        with self.refused(ValueError, "luna-lander", "lunar-lander"):
            genkidama.make("luna-lander")
        with self.refused(genkidama.ArgumentError, "step_timeout is '-1'"):
            genkidama.make("cart-pole", step_timeout=-1)
        environment = genkidama.make("cart-pole")
        with self.refused(genkidama.ArgumentError, "step"):
            environment.step(0)
        environment.reset(seed=1)
        for action in (2, -1, 0.5, 2**70, float("nan"), [0, 1]):
            with self.subTest(action), self.refused(genkidama.ArgumentError, "action"):
                environment.step(action)
        with self.refused(genkidama.ArgumentError, "cannot be read"):
            environment.step("left")
        with self.refused(genkidama.ArgumentError, "options"):
            environment.reset(options={"gravity": 1})
        for seed in (-1, 2**64, "one"):
            with self.subTest(seed), self.assertRaises(TypeError):
                environment.reset(seed=seed)
        environment.close()
        with self.refused(genkidama.ArgumentError, "closed"):
            environment.reset()

    def test_a_task_may_be_played_by_another_process(self):
        path = self.folder / "counting.py"
        path.write_text("""
from types import SimpleNamespace


class Counting:
    observation_space = SimpleNamespace(low=0.0, high=9.0, shape=(1,))
    action_space = SimpleNamespace(n=2)
    metrics = ["steps"]

    def reset(self, seed=None):
        self.steps = 0
        return [0.0], {"action_mask": [1, 1]}

    def step(self, action):
        self.steps += 1
        return [float(self.steps)], 1.0, self.steps == 3, False, {"action_mask": [1, self.steps % 2], "steps": self.steps}
""")
        environment = genkidama.make(f"python:{path}:Counting")
        environment.reset(seed=1)
        self.assertEqual(environment.metrics, ["steps"])
        _, _, _, _, info = environment.step(0)
        self.assertEqual(info["action_mask"].tolist(), [1, 1])
        _, _, _, _, info = environment.step(0)
        self.assertEqual((info["action_mask"].tolist(), info["action_mask"].dtype), ([1, 0], numpy.int8))
        with self.refused(genkidama.ArgumentError, "mask"):
            environment.step(1)
        _, _, terminated, _, info = environment.step(0)
        self.assertTrue(terminated)
        self.assertEqual(info["steps"], 3)
        environment.close()


class Spaces(unittest.TestCase):
    def test_samples_lie_within_and_follow_from_a_seed(self):
        infinity = float("inf")
        for space in (Discrete(3), MultiDiscrete([2, 5]), Box([-1, 0, -infinity, -infinity], [1, infinity, 3, infinity]),
                      Hybrid([2, 3], [-1], [1])):
            with self.subTest(space):
                space.seed(4)
                samples = [space.sample() for _ in range(50)]
                space.seed(4)
                self.assertTrue(all(numpy.array_equal(sample, space.sample()) for sample in samples))
                self.assertTrue(all(sample in space for sample in samples))
                self.assertEqual(numpy.shape(samples[0]), space.shape)

    def test_what_lies_outside_is_told(self):
        for space, outside in ((Discrete(3), (3, -1, 0.5, [1], "a", None)),
                               (MultiDiscrete([2, 5]), ([2, 0], [0, 5], [0], [0.5, 0])),
                               (Box([-1], [1]), ([2], [float("nan")], 0)),
                               (Hybrid([2], [-1], [1]), ([2, 0], [0, 2], [0.5, 0], [0]))):
            for value in outside:
                with self.subTest(space=space, value=value):
                    self.assertNotIn(value, space)

    def test_masked_choices_are_not_sampled(self):
        self.assertEqual({Discrete(3).sample(mask=[0, 1, 0]) for _ in range(20)}, {1})
        space = MultiDiscrete([2, 3])
        self.assertEqual({tuple(space.sample(mask=[0, 1, 1, 0, 0])) for _ in range(20)}, {(1, 0)})


if __name__ == "__main__":
    unittest.main()
