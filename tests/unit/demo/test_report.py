"""What the demo says at its end."""

from pathlib import Path

import pytest

from hyperdrive_demo.options import parse
from hyperdrive_demo.report import failure, look_further, summary

from .boards import board, hyperdrive, trial


def test_the_end_counts_trials_that_were_stopped() -> None:
    shown = board(hyperdrive(), trial(1, "EarlyStopped", 0.5), trial(2, "Succeeded", 0.9), trial(3, "Failed"))
    assert summary(shown, 7)[1] == "3 trials in 7 s: 1 succeeded, 1 failed, 1 stopped early"


def test_after_the_embedded_cluster_the_way_back_to_it_comes_first() -> None:
    lines = look_further(parse([]), "digits", ".local/demo/kubeconfig", "digits-7")
    assert lines[1].split("#")[0].strip() == "make cluster"
    assert "  export KUBECONFIG=.local/demo/kubeconfig" in lines
    assert "  kubectl logs job/digits-7" in lines
    assert not any("delete" in line for line in lines)
    elsewhere = look_further(parse(["--data-dir", "a b"]), "digits", "a b/kubeconfig", "digits-7")
    assert elsewhere[1].split("#")[0].strip() == "python -m hyperdrive_demo --serve --data-dir 'a b'"


def test_on_a_cluster_of_the_users_it_says_how_to_remove_what_it_made() -> None:
    lines = look_further(parse(["--kubeconfig", "a b", "--namespace", "ml"]), "digits", "a b", "digits-7")
    assert not any("make cluster" in line for line in lines)
    assert "  export KUBECONFIG='a b'" in lines
    assert any(line.endswith("kubectl -n ml delete hd digits") for line in lines)


def test_a_failure_names_the_step_the_conditions_and_the_operators_last_words() -> None:
    condition = {"type": "Accepted", "status": "False", "reason": "InvalidTrialTemplate", "message": "no image"}
    shown = board(hyperdrive(state="Invalid", conditions=[condition]))
    lines = failure("following the sweep digits", "it ended as Invalid", shown, "operator.log", ["boom"])
    assert lines[1] == "the demo failed while following the sweep digits: it ended as Invalid"
    assert "  Accepted=False InvalidTrialTemplate: no image" in lines
    assert lines[-2:] == ["last lines of operator.log:", "  boom"]


def test_no_cluster_of_the_environment_is_ever_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "mine")
    assert parse([]).kubeconfig is None
    assert parse(["--kubeconfig", "mine"]).kubeconfig == Path("mine")
