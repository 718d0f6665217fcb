"""Trains small networks on scikit-learn's own data sets and writes down their learning curves, once.

    python -m bench.early_termination.record

writes bench/early_termination/data/networks.json: for each data set the same 60 configurations, drawn at random, 40
epochs each, the metrics on held-out data after each epoch, and the processor time that an epoch took.
"""

import json
import math
import os
import random
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

from .sweeps import NETWORKS

CONFIGURATIONS = 60
EPOCHS = 40
HELD_OUT = 0.3
SEED = 20260301


def draw(generator: random.Random) -> dict[str, Any]:
    """Draw a configuration, from ranges as wide as people give who do not know better."""
    return {
        "solver": generator.choice(["sgd", "adam"]),
        "learning_rate_init": 10 ** generator.uniform(-5, 0),
        "batch_size": 2 ** generator.randint(3, 8),
        "hidden_layer_sizes": [2 ** generator.randint(3, 8)] * generator.randint(1, 3),
        "activation": generator.choice(["relu", "tanh", "logistic"]),
        "alpha": 10 ** generator.uniform(-6, 0),
        "momentum": generator.uniform(0, 0.99),
    }


def main() -> None:
    """Train everything, one after the other, on one thread."""
    generator = random.Random(SEED)  # noqa: S311  a search space, no secret
    configurations = [draw(generator) for _ in range(CONFIGURATIONS)]
    tasks = []
    for name in ("digits", "breast_cancer", "wine", "diabetes"):
        trials = []
        for number, configuration in enumerate(configurations):
            trials.append(train(name, configuration, seed=number))
            print(f"\r{name}: {number + 1}/{CONFIGURATIONS}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        tasks.append({"name": name, "trials": trials})
    NETWORKS.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(task, separators=(",", ":")) for task in tasks)
    NETWORKS.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def train(name: str, configuration: dict[str, Any], *, seed: int) -> dict[str, Any]:
    """Train one network. One that diverges ends there, as a script that fails does."""
    step, metrics = _task(name, configuration, seed)
    values: dict[str, list[float]] = {}
    seconds = 0.0
    is_failed = False
    for _ in range(EPOCHS):
        began = time.process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of numbers that overflow on the way to the error below
                step()
                reported = metrics()
        except ValueError:  # scikit-learn's: non-finite weights
            is_failed = True
            break
        seconds += time.process_time() - began
        if not all(math.isfinite(value) for value in reported.values()):
            is_failed = True
            break
        for metric, value in reported.items():
            values.setdefault(metric, []).append(float(f"{value:.5g}"))
    epochs = max((len(curve) for curve in values.values()), default=0)
    return {
        "configuration": {key: _short(value) for key, value in configuration.items()},
        "seconds": round(seconds / max(epochs, 1), 5),
        "failed": is_failed,
        "values": values,
    }


def _task(
    name: str, configuration: dict[str, Any], seed: int
) -> tuple[Callable[[], object], Callable[[], dict[str, float]]]:
    """Return what trains an epoch, and what measures on held-out data."""
    from sklearn import datasets, metrics  # noqa: PLC0415  the threads must be limited before
    from sklearn.model_selection import train_test_split  # noqa: PLC0415
    from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    is_regression = name == "diabetes"
    x, held_x, y, held_y = train_test_split(
        x, y, test_size=HELD_OUT, random_state=0, stratify=None if is_regression else y
    )
    scaler = StandardScaler().fit(x)
    x, held_x = scaler.transform(x), scaler.transform(held_x)
    if is_regression:
        mean, deviation = y.mean(), y.std()
        y, held_y = (y - mean) / deviation, (held_y - mean) / deviation
        regressor = MLPRegressor(random_state=seed, **configuration)

        def error() -> dict[str, float]:
            return {"mse": metrics.mean_squared_error(held_y, regressor.predict(held_x))}

        return lambda: regressor.partial_fit(x, y), error
    classes = sorted(set(y))
    classifier = MLPClassifier(random_state=seed, **configuration)

    def scores() -> dict[str, float]:
        probabilities = classifier.predict_proba(held_x)
        return {
            "accuracy": metrics.accuracy_score(held_y, probabilities.argmax(axis=1)),
            "logloss": metrics.log_loss(held_y, probabilities, labels=classes),
        }

    return lambda: classifier.partial_fit(x, y, classes=classes), scores


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    main()
