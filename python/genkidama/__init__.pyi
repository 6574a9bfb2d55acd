from os import PathLike
from typing import Any, Callable, Mapping, Optional, Protocol, TypedDict, Union

import numpy
from numpy.typing import ArrayLike, NDArray

from genkidama.spaces import Box

__version__: str

_Observation = NDArray[numpy.float32]
_Info = dict[str, Any]


class Error(RuntimeError): ...
class ArgumentError(Error, ValueError): ...
class IoError(Error, OSError): ...
class FormatError(Error, ValueError): ...
class LayoutError(Error, ValueError): ...
class WorkerError(Error): ...


class GymnasiumLike(Protocol):
    """Gymnasium's interface, as far as it is used."""

    @property
    def observation_space(self) -> Any: ...
    @property
    def action_space(self) -> Any: ...
    def reset(self, *, seed: int) -> tuple[Any, Mapping[str, Any]]: ...
    def step(self, action: Any) -> tuple[Any, Any, Any, Any, Mapping[str, Any]]: ...


class Environment:
    @property
    def observation_space(self) -> Box: ...
    @property
    def action_space(self) -> Any: ...
    @property
    def name(self) -> str: ...
    @property
    def time_limit(self) -> Optional[int]: ...
    @property
    def reward_threshold(self) -> Optional[float]: ...
    @property
    def metrics(self) -> list[str]: ...
    @property
    def masks_actions(self) -> bool: ...
    def reset(self, *, seed: Optional[int] = None, options: Optional[Mapping[str, Any]] = None) -> tuple[_Observation, _Info]: ...
    def step(self, action: Any) -> tuple[_Observation, float, bool, bool, _Info]: ...
    def close(self) -> None: ...


class Policy:
    @property
    def observation_space(self) -> Box: ...
    @property
    def action_space(self) -> Any: ...
    @property
    def state_size(self) -> int: ...
    @property
    def metadata(self) -> dict[str, str]: ...
    def predict(
        self,
        observation: ArrayLike,
        state: Optional[ArrayLike] = None,
        deterministic: bool = True,
        *,
        action_mask: Optional[ArrayLike] = None,
    ) -> tuple[Any, Optional[NDArray[numpy.float32]]]: ...


class Figures(TypedDict):
    """An update, as a callback is told."""

    update: int
    steps: int
    episodes: int
    seconds: float
    mean_return: Optional[float]
    done: Optional[float]
    round_steps: int
    optimizer_steps: int
    policy_loss: float
    value_loss: float
    entropy: float
    approximate_kl: float
    clip_fraction: float
    explained_variance: float
    learning_rate: float
    gradient_norm: float
    worker_restarts: int
    lost_episodes: int


class Metric(TypedDict):
    mean: float
    standard_error: float
    mean_interval: tuple[float, float]


class Evaluation(TypedDict):
    """Statistics of the returns and lengths of some episodes; intervals are of 95 %."""

    episodes: int
    seed: int
    deterministic: bool
    mean: float
    standard_deviation: float
    standard_error: float
    mean_interval: tuple[float, float]
    q25: float
    median: float
    q75: float
    min: float
    max: float
    mean_length: float
    truncated_share: float
    threshold: Optional[float]
    threshold_share: Optional[float]
    metrics: dict[str, Metric]


class Best(TypedDict):
    policy: str
    update: int
    mean_return: float


class Run(TypedDict):
    """What a run came to."""

    run_dir: str
    policy: str
    ended_by: str
    stopped: bool
    updates: int
    steps: int
    episodes: int
    seconds: float
    time_to_target_seconds: Optional[float]
    worker_restarts: int
    lost_episodes: int
    final_evaluation: Optional[Evaluation]
    best: Optional[Best]


def tasks() -> list[str]: ...

def make(task: str, **options: Any) -> Environment: ...

def load_policy(path: Union[str, bytes, PathLike[str]], *, seed: int = 1) -> Policy: ...

def evaluate(
    policy: Policy,
    environment: Union[str, Environment, GymnasiumLike, Callable[[], GymnasiumLike]],
    episodes: int = 100,
    seed: int = 7,
    *,
    deterministic: bool = True,
) -> Evaluation: ...

def train(
    task: Union[str, Callable[..., GymnasiumLike]],
    *,
    callback: Optional[Callable[[Figures], Optional[bool]]] = None,
    progress: bool = False,
    **options: Any,
) -> Run: ...
