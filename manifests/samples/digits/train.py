"""Train a small neural network on scikit-learn's handwritten digits; print loss and accuracy after every epoch.

It knows nothing of HyperDrive or Kubernetes: options in, `name=value` lines out. The pictures come with scikit-learn,
and which of them judge is fixed, so trials differ by their parameters alone.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; a value that can't train is refused with its option's name."""
    parser = argparse.ArgumentParser(
        description="Train a small neural network on the handwritten digits that come with scikit-learn.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--learning-rate", type=learning_rate, default=0.01, help="size of a step down the gradient")
    add("--batch-size", type=count, default=32, help="pictures that it looks at before each step")
    add("--hidden-units", type=count, default=32, help="neurons in a hidden layer")
    add("--hidden-layers", type=count, default=1, help="hidden layers")
    add("--layers", type=widths, default=[], help="neurons in each hidden layer, as in [64, 32]; wins over both above")
    add("--activation", choices=["relu", "tanh", "logistic"], default="relu", help="what a neuron does with its sum")
    add("--solver", choices=["sgd", "adam"], default="sgd", help="how it goes down the gradient")
    add("--momentum", type=number(0, 1), default=0.9, help="of sgd: how much of a step goes into the next one")
    add("--nesterov", type=truth, default=True, help="of sgd: whether momentum looks ahead")
    add("--schedule", choices=["constant", "invscaling"], default="constant", help="of sgd: whether steps get smaller")
    add("--power-t", type=number(0, 2), default=0.5, help="of invscaling: how fast they do")
    add("--optimizer", type=mapping, default={}, help="some of the options above as one JSON object; it wins over them")
    add("--alpha", type=number(0, 100), default=0.0001, help="penalty on large weights (L2)")
    add("--noise", type=number(0, 10), default=0.0, help="noise that is added to the pictures it learns from")
    add("--epochs", type=count, default=20, help="times that it looks at all pictures")
    add("--seed", type=int, default=0, help="seed of the first weights and of the pictures' order")
    options = parser.parse_args(arguments)
    return parser.parse_args([f"--{name}={value}" for name, value in options.optimizer.items()], options)


def learning_rate(text: str) -> float:
    """Above 0 and at most 10: what is larger overflows instead of learning."""
    value = float(text)
    if not 0 < value <= 10:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 10")
    return value


def number(low: float, high: float) -> Callable[[str], float]:
    """Return a reader of numbers from low to high."""

    def number(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not from {low} to {high}")
        return value

    return number


def count(text: str) -> int:
    """A whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def truth(text: str) -> bool:
    """Read true or false."""
    if text.lower() not in {"true", "false"}:
        raise argparse.ArgumentTypeError(f"{text} is neither true nor false")
    return text.lower() == "true"


def widths(text: str) -> list[int]:
    """A list of whole numbers of at least 1, as JSON."""
    value = json.loads(text)
    if not isinstance(value, list) or not value or not all(isinstance(width, int) and width >= 1 for width in value):
        raise argparse.ArgumentTypeError(f"{text} is no list of numbers of neurons, as in [64, 32]")
    return value


def mapping(text: str) -> dict[str, Any]:
    """A JSON object: the names of options, without their dashes, and their values."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f'{text} is no JSON object, as in {{"solver": "sgd", "momentum": 0.5}}')
    return value


def network(options: argparse.Namespace) -> MLPClassifier:
    """Build the network that the options describe."""
    return MLPClassifier(
        hidden_layer_sizes=options.layers or [options.hidden_units] * options.hidden_layers,
        activation=options.activation,
        solver=options.solver,
        learning_rate_init=options.learning_rate,
        learning_rate=options.schedule,
        power_t=options.power_t,
        momentum=options.momentum,
        nesterovs_momentum=options.nesterov,
        alpha=options.alpha,
        batch_size=options.batch_size,
        random_state=options.seed,
    )


def train(options: argparse.Namespace) -> Iterator[tuple[float, float]]:
    """Yield (loss, accuracy on the third of the pictures that it never learns from) after each epoch."""
    pictures, digits = load_digits(return_X_y=True)
    learn, judge, learn_digits, judge_digits = train_test_split(
        pictures, digits, test_size=1 / 3, random_state=0, stratify=digits
    )
    scale = StandardScaler().fit(learn)
    learn, judge = scale.transform(learn), scale.transform(judge)
    random = np.random.default_rng(options.seed)
    options.batch_size = min(options.batch_size, len(learn))
    model = network(options)
    for _ in range(options.epochs):
        seen = learn + options.noise * random.standard_normal(learn.shape)
        try:
            model.partial_fit(seen, learn_digits, classes=range(10))
        except ValueError as diverged:  # the weights left the range of floating point numbers
            raise SystemExit(f"training diverged, a smaller --learning-rate may help: {diverged}") from diverged
        yield model.loss_, model.score(judge, judge_digits)


def main() -> None:
    """Train and report, one line an epoch."""
    options = parse()
    warnings.simplefilter("ignore", RuntimeWarning)  # a learning rate that is too high overflows; the loss shows it
    for epoch, (loss, accuracy) in enumerate(train(options), start=1):
        sys.stdout.write(f"epoch={epoch} loss={loss:.6g} accuracy={accuracy:.4f}\n")
        sys.stdout.flush()  # so that each line is seen when it is true, not when the trial ends


if __name__ == "__main__":
    main()
