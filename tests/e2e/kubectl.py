"""kubectl, as a person uses it: the tests see the cluster through nothing else."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]

#: For one command that waits for nothing.
COMMAND_SECONDS = 60.0
#: For a condition, on a machine that other tests keep busy.
WAIT_SECONDS = 180.0


class KubectlError(RuntimeError):
    """kubectl said no. The message is what a person would have seen."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl in one namespace, or in none."""

    namespace: str = ""

    def __call__(self, *arguments: str, stdin: str = "", seconds: float = COMMAND_SECONDS) -> str:
        """Run kubectl and return what it prints. Raises KubectlError with its own words."""
        command = ["kubectl", *(("--namespace", self.namespace) if self.namespace else ()), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=seconds, check=False)
        if done.returncode:
            raise KubectlError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *arguments: str) -> Object:
        """Run kubectl and return its JSON."""
        found: Object = json.loads(self(*arguments, "--output=json"))
        return found

    def get(self, kind: str, name: str) -> Object:
        """Return one object."""
        return self.json("get", kind, name)

    def list(self, kind: str, selector: str = "") -> list[Object]:
        """Return the objects of a kind."""
        items: list[Object] = self.json("get", kind, f"--selector={selector}")["items"]
        return items

    def exists(self, kind: str, name: str) -> bool:
        """Tell whether there is such an object."""
        return bool(self("get", kind, name, "--ignore-not-found", "--output=name"))

    def apply(self, *manifests: Object) -> None:
        """Apply manifests, server-side."""
        everything = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self("apply", "--server-side", "--filename=-", stdin=json.dumps(everything))

    def wait(self, what: str, until: str, *, selector: str = "", seconds: float = WAIT_SECONDS) -> None:
        """Wait until KIND/NAME, or all of KINDS with a selector, is so: `condition=Complete`, `delete`, `create`...

        What is waited for need not be there yet, which kubectl takes for an error.
        """
        chosen = [f"--selector={selector}"] if selector else []
        command = ("wait", what, *chosen, f"--for={until}", f"--timeout={seconds:.0f}s")
        try:
            self(*command, seconds=seconds + 15)
        except KubectlError as error:
            if not any(words in str(error) for words in ("(NotFound)", "no matching resources found")):
                raise
            self("wait", what, *chosen, "--for=create", f"--timeout={seconds:.0f}s", seconds=seconds + 15)
            self(*command, seconds=seconds + 15)
