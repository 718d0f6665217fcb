"""Train a small neural network on scikit-learn's handwritten digits; print loss and accuracy after every epoch.

It knows nothing of HyperDrive or Kubernetes: options in, `name=value` lines out. The pictures come with scikit-learn,
and which of them judge is fixed, so trials differ by their parameters alone.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator, Sequence

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
    parser.add_argument("--learning-rate", type=learning_rate, default=0.01, help="size of a step down the gradient")
    parser.add_argument("--batch-size", type=count, default=32, help="pictures that it looks at before each step")
    parser.add_argument("--hidden-units", type=count, default=32, help="neurons in the hidden layer")
    parser.add_argument("--epochs", type=count, default=20, help="times that it looks at all pictures")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first weights and of the pictures' order")
    return parser.parse_args(arguments)


def learning_rate(text: str) -> float:
    """Above 0 and at most 10: what is larger overflows instead of learning."""
    value = float(text)
    if not 0 < value <= 10:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 10")
    return value


def count(text: str) -> int:
    """A whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def train(options: argparse.Namespace) -> Iterator[tuple[float, float]]:
    """Yield (loss, accuracy on the third of the pictures that it never learns from) after each epoch."""
    pictures, digits = load_digits(return_X_y=True)
    learn, judge, learn_digits, judge_digits = train_test_split(
        pictures, digits, test_size=1 / 3, random_state=0, stratify=digits
    )
    scale = StandardScaler().fit(learn)
    learn, judge = scale.transform(learn), scale.transform(judge)
    model = MLPClassifier(
        hidden_layer_sizes=(options.hidden_units,),
        solver="sgd",
        learning_rate_init=options.learning_rate,
        batch_size=min(options.batch_size, len(learn)),
        random_state=options.seed,
    )
    for _ in range(options.epochs):
        try:
            model.partial_fit(learn, learn_digits, classes=range(10))
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
